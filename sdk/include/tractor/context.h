// A dialog: a call with items both ways.
//
//   int add_up(tractor::Context<int, std::string>& caller, int limit) {   // receives int, sends std::string
//     int sum = 0;
//     for (int n : caller) caller.send("now " + std::to_string(sum += n));
//     return sum;
//   }
//   auto dialog = portal.open_context(add_up, 100);                       // sends int, receives std::string
//   dialog.send(7);
//   std::string text = dialog.receive();
//   int sum = dialog.result();
// Each side may stop sending first and still receive (half close). Sending waits while the other side has no room for
// more; several tasks of one side may send, one at a time receives. Loop thread only.
#pragma once

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "runtime/task/next_iterator.h"
#include "runtime/task/stream.h"
#include "runtime/wire/call_handler.h"
#include "runtime/wire/item_stream.h"
#include "tractor/codec.h"

namespace tractor {

namespace detail {

template <Argument T>
Value encode_item(const T& item) {
  try {
    return encode_argument(item);
  } catch (const EncodeError& e) {
    throw EncodeError(std::string("an item cannot travel: ") + e.what());
  }
}

// `what` and `of_what` name it in the error.
template <class T>
T decode_value(std::string_view what, std::string_view of_what, Value value) {
  if constexpr (!std::is_void_v<T>) {
    try {
      return Codec<T>::decode(std::move(value));
    } catch (const DecodeError& e) {
      throw DecodeError(std::string(what).append(of_what).append(": ").append(e.what()));
    }
  }
}

template <class T>
std::optional<T> decode_item(std::optional<Value> item) {
  if (!item) return std::nullopt;
  return decode_value<T>("an item", "", *std::move(item));
}

// The items of a stream that a function elsewhere sends.
template <class T>
class RemoteSource final : public StreamSource<T> {
 public:
  explicit RemoteSource(std::unique_ptr<RemoteStream> stream) : stream_(std::move(stream)) {}
  std::optional<T> next() override { return decode_item<T>(stream_->receive()); }
  void close() override { stream_->close(); }

 private:
  std::unique_ptr<RemoteStream> stream_;
};

[[noreturn]] void throw_end_of_dialog();

// What both sides of a dialog can do.
template <Encodable Receives, Encodable Sends>
class DialogSide {
 public:
  using value_type = Receives;

  // Waits while the other side has no room. A checkpoint. Throws ClosedError after close_send(), BrokenError when the
  // call has ended, or what the function failed with.
  void send(const Sends& item) { stream().send(encode_item(item)); }
  // The next item; empty when the other side sends no more, and ever after. A checkpoint; when it is cancelled no item
  // is lost. At the caller's side it throws what the function failed with, after the last item.
  std::optional<Receives> next() { return decode_item<Receives>(stream().receive()); }
  // The same, but throws EndOfChannel at the end.
  Receives receive() {
    std::optional<Receives> item = next();
    if (!item) throw_end_of_dialog();
    return *std::move(item);
  }
  // for (Receives& item : dialog): each step is a next().
  NextIterator<DialogSide, Receives> begin() { return NextIterator<DialogSide, Receives>(*this); }
  std::default_sentinel_t end() const { return {}; }
  // Sends no more: the other side's loop ends. Receiving goes on. Not a checkpoint.
  void close_send() { stream().close_send(); }

 protected:
  DialogSide() = default;
  ~DialogSide() = default;
  DialogSide(DialogSide&&) noexcept = default;
  DialogSide& operator=(DialogSide&&) noexcept = default;

 private:
  virtual ItemStream& stream() = 0;
};

}  // namespace detail

// The function's side: its first parameter.
template <Encodable In, Encodable Out>
class Context final : public detail::DialogSide<In, Out> {
 public:
  // --- for programs ---
  // Tells the caller that the function is up, once: UsageError the second time. A checkpoint when the way to the caller
  // is full.
  void started() { stream_.started({}); }
  template <Argument T>
  void started(const T& value) {
    stream_.started(detail::encode_item(value));
  }
  // By which it can be cancelled from elsewhere.
  const std::string& call_id() const { return call_id_; }
  const ActorRef& caller() const { return caller_; }
  // Who asked for the call to end; empty while nobody has.
  std::optional<ActorRef> cancelled_by() const {
    return served_.cancel_requested ? std::optional(served_.cancelled_by) : std::nullopt;
  }

  // --- for the library ---
  Context(ServedStream& stream, const std::string& call_id, const ActorRef& caller, const ServedCall& served)
      : stream_(stream), call_id_(call_id), caller_(caller), served_(served) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  ItemStream& stream() override { return stream_; }

  ServedStream& stream_;
  const std::string& call_id_;
  const ActorRef& caller_;
  const ServedCall& served_;
};

// The caller's side of a function that takes a Context<In, Out>& and returns an R. A handle that moves; its destructor
// cancels the function, unless it has ended, and waits until it has: shielded, for 10 s at most; an error found there
// goes to the log and to the innermost open nursery.
template <class In, class Out, class R>
class Dialog final : public detail::DialogSide<Out, In> {
 public:
  // --- for programs ---
  // What the function gave to started(); waits for it. Null when it gave nothing, sent an item first, or returned.
  template <Encodable T = Value>
  T started() {
    return detail::decode_value<T>("the started value of ", "a dialog", open().started());
  }
  // What the function returns. Sends no more, drops what was not received, and waits. May be asked again. Throws what
  // it failed with.
  R result() { return detail::decode_value<R>("the result of ", "a dialog", open().result()); }
  // Asks for the function to be cancelled: result() and next() throw RemoteCancelled when it was. Not a checkpoint.
  void cancel(const std::string& reason = "") { open().cancel(reason); }
  // Cancels it, waits until it has ended, and throws what it failed with, unless that was thrown already. Idempotent.
  void close() { open().close(); }
  const std::string& call_id() const { return open().call_id(); }

  // --- for the library ---
  explicit Dialog(std::unique_ptr<RemoteStream> stream) : stream_(std::move(stream)) {}

 private:
  RemoteStream& open() const {
    if (!stream_) throw ClosedError("this dialog was moved from");
    return *stream_;
  }
  ItemStream& stream() override { return open(); }

  std::unique_ptr<RemoteStream> stream_;
};

}  // namespace tractor
