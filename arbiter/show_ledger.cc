#include "arbiter/show_ledger.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <ostream>

#include "absl/strings/str_cat.h"
#include "arbiter/ledger_request.h"
#include "runtime/wire/address.h"
#include "runtime/wire/ledger_event_codec.h"
#include "runtime/wire/peer.h"
#include "runtime/wire/prepare_grpc.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {

void show_ledger(const std::string& text, const LedgerQuestion& question, std::chrono::milliseconds timeout,
                 std::ostream& out, std::ostream& notes) {
  const std::string address = to_string(parse_address(text));
  const v1::LedgerRequest request = to_request(question.query, question.actor_namespace);
  prepare_grpc();
  const auto stub = v1::ArbiterService::NewStub(open_channel(address));
  grpc::ClientContext context;
  WireContext wire;
  wire.bearer_token = question.bearer_token;
  add_metadata(context, wire, address);
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  v1::LedgerResponse response;
  const grpc::Status status = stub->Ledger(&context, request, &response);
  if (!status.ok()) throw Error(absl::StrCat("the arbiter at ", address, " does not tell: ", status.error_message()));
  if (response.more())
    notes << "the newest " << response.events_size() << " events; for older ones, raise --limit or --until\n";
  for (const v1::LedgerEvent& event : response.events()) {
    if (!question.json) {
      out << tractor::to_string(decode(event)) << '\n';
      continue;
    }
    std::string line;
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    static_cast<void>(google::protobuf::util::MessageToJsonString(event, &line, options));
    out << line << '\n';
  }
}

}  // namespace tractor::arbiter
