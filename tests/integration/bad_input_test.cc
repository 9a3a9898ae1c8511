// What users get wrong: each is a UsageError that says what to do, nothing runs, and nothing is left behind.
#include <sys/stat.h>
#include <sys/un.h>

#include "harness.h"
#include "listener.h"

namespace tractor::test {
namespace {

std::string hi() { return "Hi my name is " + current_actor().name(); }
int add(int x, int y) { return x + y; }
int negate(int x) { return -x; }
double negate(double x) { return -x; }

void define(Program& p) { p.module("scene").def("hi", hi); }

class BadInput : public RealProcesses {
 protected:
  // Running with these options is a UsageError with all these parts; main does not run.
  void refused(const RunOptions& options, const std::vector<std::string>& parts) {
    const std::string error = usage_error([&] { run(options, [] { ADD_FAILURE() << "the program ran"; }); });
    for (const std::string& part : parts) EXPECT_TRUE(contains(error, part));
  }
  // Uses that runtime directory for the rest of the test.
  static void use_runtime_directory(const std::string& path) { setenv("TRACTOR_RUNTIME_DIR", path.c_str(), 1); }

  ScratchDirectory scratch_;
};

// --- addresses ---

TEST_F(BadInput, an_arbiter_address_that_does_not_parse) {
  for (const char* address :
       {"nonsense", "localhost:", "localhost:abc", "localhost:-1", "localhost:70000", ":1616", "::1:1616",
        "unix:relative.sock", "unix:", "http://localhost:1616", "local host:1616", "127.0.0.1:1616/x"}) {
    refused({.arbiter = address}, {"\"" + std::string(address) + "\"", "unix:/path/to.sock or host:port"});
  }
  refused({.arbiter = "unix:/" + std::string(200, 'x')}, {"201 bytes", "at most 107"});
  refused({.arbiter = "127.0.0.1:0"}, {"127.0.0.1:0", "needs a port"});
}

TEST_F(BadInput, an_arbiter_address_in_the_environment_that_does_not_parse) {
  setenv("TRACTOR_ARBITER", "nonsense", 1);
  refused({}, {"\"nonsense\"", "unix:/path/to.sock or host:port"});
  run({.arbiter = "unix:" + scratch_ / "a.sock"}, [] {});  // options win
  unsetenv("TRACTOR_ARBITER");
}

TEST_F(BadInput, an_arbiter_socket_in_a_directory_that_does_not_exist) {
  refused({.arbiter = "unix:" + scratch_ / "nowhere/arbiter.sock"}, {scratch_ / "nowhere/arbiter.sock"});
}

TEST_F(BadInput, an_address_to_listen_on_that_does_not_parse) {
  refused({.listen = {"nonsense"}, .insecure = true}, {"\"nonsense\"", "host:port"});
  refused({.listen = {"127.0.0.1:0", "127.0.0.1:x"}, .insecure = true}, {"\"127.0.0.1:x\""});
}

TEST_F(BadInput, a_unix_address_to_listen_on) {
  const std::string address = "unix:" + scratch_ / "extra.sock";
  refused({.listen = std::vector<std::string>{address}, .insecure = true}, {address});
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

TEST_F(BadInput, a_port_to_listen_on_that_is_in_use_by_something_else) {
  const Listener taken;
  refused({.listen = std::vector<std::string>{taken.address()}, .insecure = true}, {taken.address(), "in use"});
  run([] { EXPECT_EQ(list_actors().size(), 1); });  // and the arbiter's place is free again
}

TEST_F(BadInput, an_address_to_listen_on_that_is_not_this_machines) {
  refused({.listen = {"192.0.2.1:0"}, .insecure = true}, {"192.0.2.1:0", "not this machine's"});
}

TEST_F(BadInput, listening_on_tcp_without_a_credential) {
  refused({.listen = {"127.0.0.1:0"}}, {"127.0.0.1:0", "TRACTOR_CREDENTIAL_FILE", "insecure"});
}

TEST_F(BadInput, becoming_an_arbiter_on_tcp_without_a_credential) {
  const std::string address = "127.0.0.1:" + std::to_string(free_port());
  refused({.arbiter = address}, {address, "TRACTOR_CREDENTIAL_FILE", "insecure"});
}

// --- credentials ---

TEST_F(BadInput, a_credential_file_that_is_not_there) {
  refused({.credential_file = scratch_ / "none"}, {scratch_ / "none", "No such file"});
  setenv("TRACTOR_CREDENTIAL_FILE", (scratch_ / "none2").c_str(), 1);
  refused({}, {scratch_ / "none2", "No such file"});
  unsetenv("TRACTOR_CREDENTIAL_FILE");
}

TEST_F(BadInput, a_credential_file_that_others_may_read) {
  for (const mode_t mode : {0644U, 0640U, 0604U, 0620U}) {
    refused({.credential_file = scratch_.file("token", "secret", mode)}, {scratch_ / "token", "chmod 600"});
    std::filesystem::remove(scratch_ / "token");
  }
}

TEST_F(BadInput, a_credential_file_without_a_token) {
  refused({.credential_file = scratch_.file("empty", "")}, {scratch_ / "empty", "is empty"});
  refused({.credential_file = scratch_.file("blank", " \n\n")}, {scratch_ / "blank", "is empty"});
  refused({.credential_file = scratch_.file("two", "one two")}, {scratch_ / "two", "one printable token"});
  refused({.credential_file = scratch_.file("binary", std::string("a\0b", 3))},
          {scratch_ / "binary", "one printable token"});
}

TEST_F(BadInput, a_credential_file_that_is_a_directory) {
  std::filesystem::create_directory(scratch_ / "directory");
  chmod((scratch_ / "directory").c_str(), 0700);
  refused({.credential_file = scratch_ / "directory"}, {scratch_ / "directory"});
}

TEST_F(BadInput, a_relative_credential_file_is_found_also_when_main_went_elsewhere) {
  scratch_.file("token", "secret");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(scratch_.path());
  run({.credential_file = "token"}, [&] {
    std::filesystem::current_path("/");
    open_nursery([](ActorNursery& n) { n.start_actor("frank").cancel_actor(); });
  });
  std::filesystem::current_path(before);
}

TEST_F(BadInput, a_good_credential_lets_children_in_over_tcp) {
  run({.modules = {"scene"}, .listen = {"127.0.0.1:0"}, .credential_file = scratch_.file("token", "secret\n")}, [] {
    EXPECT_EQ(current_actor().info().addresses.size(), 2);
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", {.modules = {"scene"}});
      EXPECT_EQ(frank.run(hi), "Hi my name is frank");
      frank.cancel_actor();
    });
  });
}

// --- the runtime directory ---

TEST_F(BadInput, a_runtime_directory_with_an_odd_name) {
  for (const std::string name : {"a#b", "a?b", "%41", "with blanks"}) {
    mkdir((scratch_ / name).c_str(), 0700);
    use_runtime_directory(scratch_ / name);
    run([] {
      open_nursery([](ActorNursery& n) {
        Portal frank = n.start_actor("frank", {.modules = {"scene"}});
        EXPECT_EQ(find_actor("frank").value().run(hi), "Hi my name is frank");
        frank.cancel_actor();
      });
    });
  }
}

TEST_F(BadInput, a_runtime_directory_that_grpc_cannot_take) {
  for (const std::string name : {"a,b", "\xff"}) {
    use_runtime_directory(scratch_ / name);
    refused({}, {"TRACTOR_RUNTIME_DIR", "without a comma"});
    EXPECT_FALSE(std::filesystem::exists(scratch_ / name));
  }
  refused({.arbiter = "unix:/tmp/a,b"}, {"\"unix:/tmp/a,b\"", "comma"});
}

TEST_F(BadInput, an_arbiter_address_where_a_file_is_leaves_the_file_alone) {
  refused({.arbiter = "unix:" + scratch_.file("precious", "text")}, {scratch_ / "precious", "no socket"});
  EXPECT_EQ(std::filesystem::file_size(scratch_ / "precious"), 4U);
}

TEST_F(BadInput, a_runtime_directory_that_others_may_enter) {
  for (const mode_t mode : {0755U, 0750U, 0701U, 0770U}) {
    chmod(runtime_directory().c_str(), mode);
    refused({}, {runtime_directory(), "may be entered by others", "chmod 700"});
  }
  chmod(runtime_directory().c_str(), 0700);
  run([] {});
}

TEST_F(BadInput, a_runtime_directory_that_is_no_directory) {
  use_runtime_directory(scratch_.file("file", ""));
  refused({}, {scratch_ / "file", "is not a directory"});
  std::filesystem::create_directory_symlink(runtime_directory(), scratch_ / "link");
  use_runtime_directory(scratch_ / "link");
  refused({}, {scratch_ / "link", "is not a directory"});
}

TEST_F(BadInput, a_runtime_directory_of_another_user) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to give a directory away";
  std::filesystem::create_directory(scratch_ / "theirs");
  chmod((scratch_ / "theirs").c_str(), 0700);
  ASSERT_EQ(chown((scratch_ / "theirs").c_str(), 65534, 65534), 0);
  use_runtime_directory(scratch_ / "theirs");
  refused({}, {scratch_ / "theirs", "belongs to another user"});
}

TEST_F(BadInput, a_runtime_directory_that_cannot_be_made_or_used) {
  use_runtime_directory("relative/path");
  refused({}, {"\"relative/path\"", "absolute"});
  use_runtime_directory(scratch_ / "no/parent");
  refused({}, {scratch_ / "no/parent", "TRACTOR_RUNTIME_DIR"});
  const std::string deep = scratch_ / std::string(90, 'd');
  use_runtime_directory(deep);
  refused({}, {deep, "107"});
}

TEST_F(BadInput, a_runtime_directory_that_is_not_there_is_made) {
  use_runtime_directory(scratch_ / "new");
  run([] { EXPECT_EQ(list_actors().size(), 1); });
  struct stat status {};
  ASSERT_EQ(stat((scratch_ / "new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700);
  EXPECT_TRUE(left_in(scratch_ / "new").empty());
}

TEST_F(BadInput, the_runtime_directory_is_the_users_own_one_unless_another_is_named) {
  const auto is_used = [&](const std::string& directory) {
    run([&] { EXPECT_TRUE(current_actor().info().addresses.front().starts_with("unix:" + directory + "/tree-")); });
  };
  unsetenv("TRACTOR_RUNTIME_DIR");
  setenv("XDG_RUNTIME_DIR", (scratch_ / "xdg").c_str(), 1);
  std::filesystem::create_directory(scratch_ / "xdg");
  is_used(scratch_ / "xdg/tractor");
  unsetenv("XDG_RUNTIME_DIR");
  setenv("TMPDIR", (scratch_ / "tmp").c_str(), 1);
  std::filesystem::create_directory(scratch_ / "tmp");
  is_used(scratch_ / "tmp/tractor-" + std::to_string(geteuid()));
  unsetenv("TMPDIR");
}

// --- functions and modules ---

TEST_F(BadInput, functions_that_cannot_be_defined) {
  char name[] = "test";
  char* argv[] = {name, nullptr};
  Program p(1, argv);
  auto math = p.module("math");
  math.def("add", add, "x", "y");
  const auto error = [](auto&& define) { return usage_error(define); };
  EXPECT_TRUE(contains(error([&] { math.def("add", hi); }), "\"math.add\" is defined twice"));
  EXPECT_TRUE(
      contains(error([&] { math.def("plus", add); }), "\"math.plus\" and \"math.add\" are the same C++ function"));
  EXPECT_TRUE(contains(error([&] { p.module("other").def("plus", add); }), "\"other.plus\" and \"math.add\""));
  EXPECT_TRUE(contains(error([&] { math.def("hi", hi, "surplus"); }), "has 0 parameters, but def() names 1"));
  EXPECT_TRUE(contains(error([&] { math.def("negate", overload<int(int)>(negate), "x", "y"); }),
                       "has 1 parameters, but def() names 2"));
  EXPECT_TRUE(contains(error([&] {
                         math.def(
                             "f", [](int, int) {}, "x", "x");
                       }),
                       "two parameters named \"x\""));
  for (const char* bad : {"", "a.b", "1st", "a b", "größe", "a-b"}) {
    EXPECT_TRUE(
        contains(error([&] { math.def(bad, [] {}); }), "\"" + std::string(bad) + "\" is no name for a function"));
    EXPECT_TRUE(contains(error([&] { p.module(bad).def("f", [] {}); }),
                         "\"" + std::string(bad) + "\" is no name for a module"));
    EXPECT_TRUE(contains(error([&] {
                           math.def(
                               "f", [](int) {}, bad);
                         }),
                         "\"" + std::string(bad) + "\" is no name for a parameter"));
  }
  math.def("negate", overload<int(int)>(negate))
      .def("negate_double", overload<double(double)>(negate))
      .def("hi", hi);  // the way out
}

TEST_F(BadInput, a_module_that_the_program_does_not_have) {
  refused({.modules = {"scene", "nowhere"}}, {"no module \"nowhere\"", "there is \"scene\""});
  run([] {
    open_nursery([](ActorNursery& n) {
      const std::string error = usage_error([&] { n.start_actor("frank", {.modules = {"nowhere"}}); });
      EXPECT_TRUE(contains(error, "no module \"nowhere\""));
      EXPECT_TRUE(contains(error, "program.module(\"nowhere\")"));
      EXPECT_TRUE(child_pids().empty());
      EXPECT_EQ(n.run_in_actor("donny", hi).result(), "Hi my name is donny");
    });
  });
}

TEST_F(BadInput, a_one_shot_function_that_was_not_defined) {
  run([] {
    open_nursery([](ActorNursery& n) {
      EXPECT_TRUE(contains(usage_error([&] { n.run_in_actor("donny", add, 1, 2); }), "was not defined"));
      EXPECT_TRUE(contains(usage_error([&] { n.run_in_actor("donny", [] { return 1; }); }), "was not defined"));
      EXPECT_TRUE(child_pids().empty());
    });
  });
}

// --- names of actors ---

TEST_F(BadInput, an_actor_without_a_name) {
  run([] {
    open_nursery([](ActorNursery& n) { EXPECT_TRUE(contains(usage_error([&] { n.start_actor(""); }), "name")); });
  });
  refused({.name = ""}, {"name"});
}

TEST_F(BadInput, an_actor_whose_name_is_no_utf8) {
  run([] {
    open_nursery(
        [](ActorNursery& n) { EXPECT_TRUE(contains(usage_error([&] { n.start_actor("\xff\xfe"); }), "UTF-8")); });
  });
  refused({.name = "\xff\xfe"}, {"UTF-8"});
}

TEST_F(BadInput, an_actor_may_have_an_odd_name) {
  run([] {
    open_nursery([](ActorNursery& n) {
      for (const std::string& name : {std::string("frank the 2nd"), std::string("../../etc/passwd"),
                                      std::string("größe \"x\""), std::string(255, 'x')}) {
        Portal odd = n.start_actor(name, {.modules = {"scene"}});
        EXPECT_EQ(odd.run(hi), "Hi my name is " + name);
        EXPECT_EQ(query_actor(name)->id, odd.id());
        odd.cancel_actor();
      }
      EXPECT_TRUE(contains(usage_error([&] { n.start_actor(std::string(256, 'x')); }), "at most 255 bytes"));
      EXPECT_TRUE(contains(usage_error([&] { n.start_actor("two\nlines"); }), "control characters"));
    });
  });
}

TEST_F(BadInput, a_program_with_closed_standard_descriptors_writes_into_no_file_of_ours) {
  Process closed({"/bin/sh", "-c", "exec \"$0\" --as prints <&- >&- 2>&-", own_binary()});
  EXPECT_EQ(closed.wait(), Exit{});
  for (const auto& entry : std::filesystem::recursive_directory_iterator(runtime_directory())) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(entry.file_size(), 0U) << entry.path();
  }
}
TRACTOR_SCENARIO(prints) {
  return program->main([] {
    open_nursery([](ActorNursery& n) {
      std::cout << n.run_in_actor("frank", hi).result() << std::endl;
      std::cerr << "to stderr" << std::endl;
    });
  });
}

TEST_F(BadInput, names_that_nobody_can_have) {
  with_daemon({.modules = {"scene"}}, [](Portal& frank) {
    EXPECT_TRUE(contains(usage_error([] { find_actor("\xff"); }), "UTF-8"));
    EXPECT_TRUE(contains(usage_error([] { wait_for_actor("\xff"); }), "UTF-8"));
    EXPECT_TRUE(contains(usage_error([] { find_actors("frank", {.labels = {{"part", "\xff"}}}); }), "UTF-8"));
    EXPECT_EQ(thrown<CallError>([&] { frank.run("scene.\xff"); }).kind(), ErrorKind::not_found);
  });
}

TEST_F(BadInput, options_that_no_actor_can_have) {
  run([] {
    open_nursery([](ActorNursery& n) {
      EXPECT_TRUE(contains(usage_error([&] { n.start_actor("frank", {.labels = {{"part", "\xff"}}}); }), "UTF-8"));
      EXPECT_TRUE(contains(usage_error([&] { n.start_actor("frank", {.labels = {{"\xff", "lead"}}}); }), "UTF-8"));
      EXPECT_TRUE(contains(usage_error([&] { n.start_actor("frank", {.statespace = {{"\xff", 1}}}); }), "UTF-8"));
      EXPECT_TRUE(contains(usage_error([&] { n.start_actor("frank", {.labels = {{"part", "a\nb"}}}); }), "control"));
      EXPECT_TRUE(contains(usage_error([&] {
                             n.start_actor("frank", {.labels = {{"part", std::string(256, 'x')}}});
                           }),
                           "255 bytes"));
      EXPECT_TRUE(contains(usage_error([&] { n.start_actor("frank", {.budget = -1s}); }), "negative"));
      EXPECT_TRUE(child_pids().empty());
    });
    open_nursery([](ActorNursery& n) {
      n.start_actor("frank", {.statespace = {{"bytes", "\xff"}}});  // a value may be anything
      n.cancel();
    });
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
