// What tools like grpcurl ask a server before they call it.
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/create_channel.h>
#include <sys/stat.h>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "harness.h"

namespace tractor::test {
namespace {

using grpc::reflection::v1alpha::ServerReflection;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;

void define(Program& /*program*/) {}

// One stream, as those tools keep it.
class ReflectionClient {
 public:
  explicit ReflectionClient(const std::string& address)
      : stub_(ServerReflection::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {
    context_.set_deadline(std::chrono::system_clock::now() + 20s * kSlowness);
    stream_ = stub_->ServerReflectionInfo(&context_);
  }
  ServerReflectionResponse ask(const ServerReflectionRequest& request) {
    ServerReflectionResponse response;
    EXPECT_TRUE(stream_->Write(request));
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }
  std::set<std::string> services() {
    ServerReflectionRequest request;
    request.set_list_services("");
    std::set<std::string> names;
    const ServerReflectionResponse response = ask(request);
    for (const auto& service : response.list_services_response().service()) names.insert(service.name());
    return names;
  }
  // The names of the files in the answer.
  static std::set<std::string> files(const ServerReflectionResponse& response) {
    std::set<std::string> names;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      EXPECT_TRUE(names.insert(file.name()).second) << file.name() << " comes twice";
    }
    return names;
  }
  grpc::Status finish() {
    stream_->WritesDone();
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<ServerReflection::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<ServerReflectionRequest, ServerReflectionResponse>> stream_;
};

class ReflectionTest : public RealProcesses {
 protected:
  Process arbiter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), built_binary("arbiter/tractor-arbiter"));
    Process process(std::move(arguments));
    EXPECT_TRUE(process.prints("listening on ")) << process.err();
    return process;
  }
  ScratchDirectory scratch_;
  const std::string socket_ = "unix:" + scratch_ / "a.sock";
};

const std::set<std::string> kOfEveryActor = {"tractor.v1.ActorService", "grpc.health.v1.Health",
                                             "grpc.reflection.v1alpha.ServerReflection"};

TEST_F(ReflectionTest, actors_and_arbiters_tell_what_they_serve) {
  const Process process = arbiter({"--listen", socket_});
  std::set<std::string> of_arbiter = kOfEveryActor;
  of_arbiter.insert("tractor.v1.ArbiterService");
  EXPECT_EQ(ReflectionClient(socket_).services(), of_arbiter);
  run([] {
    open_nursery([](ActorNursery& n) {
      EXPECT_EQ(ReflectionClient(n.start_actor("frank").channel().address).services(), kOfEveryActor);
      n.cancel();
    });
  });
}

TEST_F(ReflectionTest, descriptors_come_with_all_that_they_import) {
  const Process process = arbiter({"--listen", socket_});
  ReflectionClient client(socket_);
  ServerReflectionRequest request;
  for (const char* symbol : {"tractor.v1.ActorService", "tractor.v1.ActorService.Invoke", "tractor.v1.InvokeRequest"}) {
    request.set_file_containing_symbol(symbol);
    const std::set<std::string> files = ReflectionClient::files(client.ask(request));
    EXPECT_TRUE(files.contains("tractor/v1/actor.proto")) << symbol;
    EXPECT_TRUE(files.contains("tractor/v1/value.proto")) << symbol;
    EXPECT_TRUE(files.contains("google/protobuf/any.proto")) << symbol;
  }
  request.set_file_by_filename("google/protobuf/any.proto");
  EXPECT_EQ(ReflectionClient::files(client.ask(request)), std::set<std::string>{"google/protobuf/any.proto"});
  request.set_all_extension_numbers_of_type("tractor.v1.InvokeRequest");
  EXPECT_EQ(client.ask(request).all_extension_numbers_response().base_type_name(), "tractor.v1.InvokeRequest");
  EXPECT_TRUE(client.finish().ok());
}

TEST_F(ReflectionTest, what_there_is_not_is_an_error_in_the_answer_and_the_stream_goes_on) {
  const Process process = arbiter({"--listen", socket_});
  ReflectionClient client(socket_);
  const auto error = [&](const ServerReflectionRequest& request) {
    const ServerReflectionResponse response = client.ask(request);
    return std::to_string(response.error_response().error_code()) + " " + response.error_response().error_message();
  };
  ServerReflectionRequest request;
  EXPECT_TRUE(error(request).starts_with("3 "));
  request.set_file_by_filename("none.proto");
  EXPECT_EQ(error(request), "5 no file none.proto here");
  request.set_file_containing_symbol("no.Symbol");
  EXPECT_EQ(error(request), "5 no symbol no.Symbol here");
  request.set_all_extension_numbers_of_type("no.Type");
  EXPECT_EQ(error(request), "5 no type no.Type here");
  request.mutable_file_containing_extension()->set_containing_type("tractor.v1.InvokeRequest");
  request.mutable_file_containing_extension()->set_extension_number(7);
  EXPECT_EQ(error(request), "5 no extension 7 of tractor.v1.InvokeRequest here");
  EXPECT_FALSE(client.services().empty());
}

TEST_F(ReflectionTest, over_tcp_it_is_for_those_who_are_let_in) {
  std::ofstream(scratch_ / "token") << "secret\n";
  chmod((scratch_ / "token").c_str(), 0600);
  Process process = arbiter({"--listen", "127.0.0.1:0", "--credential-file", scratch_ / "token"});
  const std::string address = process.out().substr(13, process.out().find('\n') - 13);
  EXPECT_EQ(ReflectionClient(address).finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
