#include "runtime/wire/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/server_call.h"

namespace tractor {
namespace {

namespace pb = google::protobuf;
namespace reflection = grpc::reflection::v1alpha;

using reflection::ServerReflection;
using reflection::ServerReflectionRequest;
using reflection::ServerReflectionResponse;

using ServedMethods = ServerReflection::WithAsyncMethod_ServerReflectionInfo<ServerReflection::Service>;
using InfoCall = StreamCall<ServerReflectionRequest, ServerReflectionResponse>;

void set_error(grpc::StatusCode code, const std::string& message, ServerReflectionResponse& response) {
  response.mutable_error_response()->set_error_code(code);
  response.mutable_error_response()->set_error_message(message);
}

// The file and all that it imports, each once; or that there is none.
void set_file(const pb::FileDescriptor* file, const std::string& wanted, ServerReflectionResponse& response) {
  if (file == nullptr) return set_error(grpc::StatusCode::NOT_FOUND, absl::StrCat("no ", wanted, " here"), response);
  std::vector<const pb::FileDescriptor*> files = {file};
  std::set<const pb::FileDescriptor*> seen = {file};
  for (std::size_t i = 0; i < files.size(); ++i) {
    const pb::FileDescriptor* next = files[i];
    for (int k = 0; k < next->dependency_count(); ++k) {
      if (seen.insert(next->dependency(k)).second) files.push_back(next->dependency(k));
    }
    pb::FileDescriptorProto proto;
    next->CopyTo(&proto);
    response.mutable_file_descriptor_response()->add_file_descriptor_proto(proto.SerializeAsString());
  }
}

void set_extension_numbers(const std::string& type, ServerReflectionResponse& response) {
  const pb::DescriptorPool& pool = *pb::DescriptorPool::generated_pool();
  const pb::Descriptor* message = pool.FindMessageTypeByName(type);
  if (message == nullptr)
    return set_error(grpc::StatusCode::NOT_FOUND, absl::StrCat("no type ", type, " here"), response);
  std::vector<const pb::FieldDescriptor*> extensions;
  pool.FindAllExtensions(message, &extensions);
  auto& numbers = *response.mutable_all_extension_numbers_response();
  numbers.set_base_type_name(type);
  for (const pb::FieldDescriptor* extension : extensions) numbers.add_extension_number(extension->number());
}

ServerReflectionResponse answer(const ServerReflectionRequest& request, const std::set<std::string>& names) {
  const pb::DescriptorPool& pool = *pb::DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kListServices:
      response.mutable_list_services_response();
      for (const std::string& name : names) response.mutable_list_services_response()->add_service()->set_name(name);
      break;
    case ServerReflectionRequest::kFileByFilename:
      set_file(pool.FindFileByName(request.file_by_filename()), "file " + request.file_by_filename(), response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      set_file(pool.FindFileContainingSymbol(request.file_containing_symbol()),
               "symbol " + request.file_containing_symbol(), response);
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const reflection::ExtensionRequest& wanted = request.file_containing_extension();
      const pb::Descriptor* type = pool.FindMessageTypeByName(wanted.containing_type());
      const pb::FieldDescriptor* extension =
          type == nullptr ? nullptr : pool.FindExtensionByNumber(type, wanted.extension_number());
      set_file(extension == nullptr ? nullptr : extension->file(),
               absl::StrCat("extension ", wanted.extension_number(), " of ", wanted.containing_type()), response);
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      set_extension_numbers(request.all_extension_numbers_of_type(), response);
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      set_error(grpc::StatusCode::INVALID_ARGUMENT, "a request that asks for nothing this server knows", response);
      break;
  }
  return response;
}

}  // namespace

struct ReflectionService::Methods : ServedMethods {
  explicit Methods(const std::set<std::string>& n) : names(n) {}

  void serve_info(const ActorServer& server, InfoCall& call) const {
    grpc::Status status;
    try {
      server.authenticate(call.context());
      ServerReflectionRequest request;
      while (call.read(request)) {
        const ServerReflectionResponse response = answer(request, names);
        Operation op("a descriptor to be sent");
        call.stream.Write(response, op.tag());
        call.wait_sent(op);
      }
    } catch (...) {
      status = to_status(error_info(std::current_exception(), {}));
    }
    call.finish(status);
  }

  const std::set<std::string>& names;
  Acceptors acceptors;
};

ReflectionService::ReflectionService(const std::set<std::string>& names) : methods_(std::make_unique<Methods>(names)) {}

ReflectionService::~ReflectionService() = default;

grpc::Service* ReflectionService::service() { return methods_.get(); }

void ReflectionService::serve(ActorServer& server, TaskNursery& nursery) {
  Methods& m = *methods_;
  m.acceptors.accept<InfoCall>(nursery, server.port().queue(), m, &Methods::RequestServerReflectionInfo,
                               [&m, &server](InfoCall& call) { m.serve_info(server, call); });
}

void ReflectionService::stop() { methods_->acceptors.stop(); }

}  // namespace tractor
