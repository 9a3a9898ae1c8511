#include "runtime/wire/link_stream.h"

#include <grpcpp/channel.h>

#include <utility>

#include "runtime/log.h"
#include "runtime/metrics/metrics.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/fault_plan.h"
#include "runtime/wire/fault_writer.h"
#include "runtime/wire/serving_end.h"

namespace tractor {
namespace {

// Who opens a link says at once who it is, unless it computes just then.
constexpr Clock::duration kHelloTimeout = std::chrono::seconds(20);

ErrorInfo unavailable(const char* why) { return own_error(ErrorKind::unavailable, why, {}); }
ErrorInfo silence() { return unavailable("who has opened this link does not say who it is"); }
ErrorInfo broken_on_purpose() { return unavailable("the link was broken on purpose"); }

// What both sides' streams do: they write what the end of the link has to say, one message at a time, and read on.
//
// Over TCP both read the next message only after they have written what they have to say about the last one: gRPC 1.51
// answers a read at once with a message of its own, a window update, when it cannot travel with one of ours, and a call
// took 60 us instead of 38 (tcp_call_p50_us). Over a unix socket that message costs little, and wakes the other side
// early: there a call takes 3 us less with it.
template <class Stream>  // of gRPC
class LinkCarrier : public LinkEnd::Carrier, public Flushable {
 protected:
  LinkCarrier(CompletionQueuePort& port, bool over_tcp) : port_(port), reads_late_(over_tcp) {
    if (fault_plan() != nullptr) faults_.emplace(faulty_stream());
  }
  ~LinkCarrier() = default;

  virtual LinkEnd& link() = 0;
  virtual void on_read(bool ok) = 0;
  virtual void after_write() = 0;
  virtual void break_on_purpose() = 0;

  void begin(Stream& stream) {
    stream_ = &stream;
    running_ = true;
    flush();
    read_on();
  }
  // Nothing is written any more, but what is being written, which a fault may have held up.
  void stop_writing() { running_ = false; }
  // What has been read; LinkError when it breaks the rules.
  void receive() { link().receive(to_text(buffer_)); }
  void read_on() {
    if (!reads_late_) return stream_->Read(&buffer_, read_.tag());
    to_read_ = true;
    port_.flush_soon(*this);
  }
  bool writing() const override { return writing_; }
  void write_soon() override { port_.flush_soon(*this); }

 private:
  void flush() override {
    if (!running_) return;
    write();
    if (std::exchange(to_read_, false)) stream_->Read(&buffer_, read_.tag());
  }
  void write() {
    if (writing_ || !link().has_message()) return;
    writing_ = true;
    if (faults_) return faults_->write(link().take_message());
    write(link().take_message());
  }
  void write(std::string message) { stream_->Write(to_buffer(std::move(message)), written_.tag()); }
  void on_written(bool ok) {
    if (ok && faults_ && !faults_->written()) return;
    writing_ = false;
    if (ok) flush();
    after_write();
  }
  FaultWriter::Stream faulty_stream() {
    return {.write = [this](const std::string& message) { write(message); },
            .skip = [this] { on_written(true); },
            .break_off = [this] { break_on_purpose(); },
            .wake_loop = [this] { port_.ring(); }};
  }

  CompletionQueuePort& port_;
  const bool reads_late_;
  Stream* stream_ = nullptr;
  MemberTag<LinkCarrier, &LinkCarrier::on_read> read_{*this};
  MemberTag<LinkCarrier, &LinkCarrier::on_written> written_{*this};
  grpc::ByteBuffer buffer_;
  std::optional<FaultWriter> faults_;
  bool running_ = false;
  bool writing_ = false;
  bool to_read_ = false;
};

}  // namespace

// --- the side that opened it ---

// Keeps itself until its last tag has come.
class Link::Stream final : public LinkCarrier<grpc::GenericClientAsyncReaderWriter>,
                           public std::enable_shared_from_this<Stream> {
 public:
  Stream(const WireContext& wire, const std::string& address)
      : LinkCarrier(*wire.port, !address.starts_with("unix:")),
        wire_(wire),
        peer_{.name = address},
        stub_(open_channel(address, wire.unreachable_after)),
        end_(*this, wire.self) {
    add_metadata(context_, wire, address);
    if (!address.starts_with("unix:"))
      context_.AddMetadata(kUnreachableAfterKey, std::to_string(wire.unreachable_after / std::chrono::milliseconds(1)));
  }

  void start() {
    static const std::string kMethod = "/tractor.v1.ActorService/Connect";
    stream_ = stub_.PrepareCall(&context_, kMethod, wire_.port->queue());
    self_ = shared_from_this();
    wire_.links->open_.insert(this);
    stream_->StartCall(started_.tag());
  }
  void close() { context_.TryCancel(); }
  CallingEnd& calls() { return end_; }

 private:
  LinkEnd& link() override { return end_; }
  void on_started(bool ok) {
    if (!ok) return finish();
    begin(*stream_);
  }
  void on_read(bool ok) override {
    if (!ok) return finish();
    try {
      receive();
    } catch (const Error& e) {
      log::warning("the link to " + peer_.name + " is closed: " + e.what());
      broken_ = error_info(std::current_exception(), {});
      broken_->kind = ErrorKind::unavailable;
      context_.TryCancel();
    }
    read_on();
  }
  void after_write() override {
    if (finishing_) finish();
  }
  void break_on_purpose() override {
    broken_ = broken_on_purpose();
    context_.TryCancel();
  }
  // After the last read, and the write that may be in flight.
  void finish() {
    stop_writing();
    finishing_ = true;
    if (!writing()) stream_->Finish(&status_, finished_.tag());
  }
  void on_finished(bool /*ok*/) {
    if (!broken_) {
      const grpc::Status closed(grpc::StatusCode::CANCELLED, "");
      broken_ = from_status(status_.ok() ? closed : status_, peer_);
    }
    end_.break_off(std::move(*broken_));
    wire_.links->open_.erase(this);
    wire_.links->ended_.notify();
    const auto last = std::move(self_);  // may be the last to know this
  }

  const WireContext& wire_;
  ActorRef peer_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  CallingEnd end_;
  MemberTag<Stream, &Stream::on_started> started_{*this};
  MemberTag<Stream, &Stream::on_finished> finished_{*this};
  grpc::Status status_;
  std::optional<ErrorInfo> broken_;
  bool finishing_ = false;
  std::shared_ptr<Stream> self_;
};

Link::Link(const WireContext& wire, const std::string& address) : stream_(std::make_shared<Stream>(wire, address)) {
  stream_->start();
}

Link::~Link() { stream_->close(); }

CallingEnd& Link::calls() { return stream_->calls(); }

std::shared_ptr<Link> Links::to(const WireContext& wire, const std::string& address, const std::string& actor_id) {
  std::weak_ptr<Link>& known = links_[{address, actor_id}];
  std::shared_ptr<Link> link = known.lock();
  if (link == nullptr || link->calls().broken()) {
    std::erase_if(links_, [&](const auto& entry) { return &entry.second != &known && entry.second.expired(); });
    link = std::make_shared<Link>(wire, address);
    known = link;
  }
  return link;
}

void Links::stop() {
  for (Link::Stream* stream : open_) stream->close();
  CancelScope shield({.shield = true});
  shield.run([this] { ended_.wait_until("links to end", [this] { return open_.empty(); }); });
}

// --- the side that serves it ---

namespace {

class ServedLink final : public LinkCarrier<decltype(RawStreamCall::stream)> {
 public:
  ServedLink(CompletionQueuePort& port, RawStreamCall& call)
      : LinkCarrier(port, call.context().peer().starts_with("ip")), call_(call) {}  // ipv4:, ipv6:

  grpc::Status run(CallHandler& handler, const std::function<void()>& watch) {
    try {
      open_task_nursery([&](TaskNursery& calls) {
        end_.emplace(*this, handler, calls);
        begin(call_.stream);
        calls.start_named("signs of life of a caller", watch);
        try {
          const auto over = [this] { return read_ended_ || violation_; };
          move_on_after(kHelloTimeout, [&] {
            changed_.wait_until("the other end of a link", [&] { return end_->greeted() || over(); });
          });
          throw_if_cancelled();
          if (!end_->greeted() && !over()) violation_ = silence();
          changed_.wait_until("a link to end", over);
        } catch (const Cancelled&) {
          end_->go_away();
          ending_ = true;
          throw;
        }
        calls.cancel_scope().cancel();  // whoever called is gone
        end_->end_items();
      });
    } catch (const Cancelled& cancelled) {
      cancelled.absorb();
    } catch (...) {
      violation_ = error_info(std::current_exception(), {});
    }
    end_->close();
    call_.wait_written(
        changed_, [this] { return writing(); }, [this] { return read_ended_ || !end_->has_message(); });
    end_->break_off();  // nothing may be written after the stream's end
    return violation_ ? to_status(*violation_) : grpc::Status::OK;
  }

  // After the stream has finished.
  void wait_until_read() {
    CancelScope shield({.shield = true});
    shield.run([this] { changed_.wait_until("the last read of a link", [this] { return read_ended_; }); });
  }

 private:
  LinkEnd& link() override { return *end_; }
  void on_read(bool ok) override {
    if (ok && !violation_) {
      try {
        const bool greeted = end_->greeted();
        receive();
        if (!greeted) changed_.notify();
      } catch (const Error& e) {
        log::warning("a link of " + to_string(end_->other()) + " is closed: " + e.what());
        violation_ = error_info(std::current_exception(), {});
        ok = false;
      }
    }
    if (ok) return read_on();
    read_ended_ = true;
    if (!violation_) end_->break_off();
    if (ending_) end_->end_items();  // who sends while it cleans up
    changed_.notify();
  }
  void after_write() override { changed_.notify(); }
  void break_on_purpose() override {
    violation_ = broken_on_purpose();
    changed_.notify();
  }

  RawStreamCall& call_;
  std::optional<ServingEnd> end_;
  std::optional<ErrorInfo> violation_;
  Condition changed_;
  bool read_ended_ = false;
  bool ending_ = false;  // because the actor does
};

}  // namespace

void serve_link(CompletionQueuePort& port, CallHandler& handler, RawStreamCall& call,
                const std::function<void()>& watch) {
  name_current_task("link");
  if (fault_plan() != nullptr && fault_plan()->next_link() == Fault::refuse) {
    log::warning("fault: refuse, a link");
    return call.finish({grpc::StatusCode::UNAVAILABLE, "the link was refused on purpose"});
  }
  const metrics::Held counted(metrics::Gauge::links);
  ServedLink link(port, call);
  const grpc::Status status = link.run(handler, watch);
  call.finish(status);
  link.wait_until_read();
}

}  // namespace tractor
