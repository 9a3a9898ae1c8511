// Dialogs with other actors, over real processes.
#include "streamers.h"

namespace tractor::test {
namespace {

// --- the actors' functions: module "talk" ---

int add_up(Context<int, std::string>& caller, int start) {
  caller.started("ready");
  int sum = start;
  for (int number : caller) caller.send("now " + std::to_string(sum += number));
  return sum;
}
void echo(Context<std::string, std::string>& caller) {
  for (const std::string& text : caller) caller.send(text);
}
// Sends all it has before it listens, and says what it heard.
std::string says_first(Context<std::string, int>& caller, int count) {
  for (int i = 0; i < count; ++i) caller.send(i);
  caller.close_send();
  std::string heard;
  for (const std::string& text : caller) heard += text;
  return heard;
}
// Says that it has started when it has taken so many items, or closed its own side.
void start_late(Context<std::string, int>& caller, int items, bool closes) {
  for (int i = 0; i < items; ++i) caller.receive();
  if (closes) caller.close_send();
  caller.started(42);
}
void start_with(Context<int, int>& caller, std::size_t size) { caller.started(std::string(size, 'x')); }
void fail_at_third(Context<int, int>& caller) {
  for (int i = 0; i < 3; ++i) caller.send(caller.receive());
  throw std::runtime_error("enough");
}
void until_cancelled(Context<int, int>& caller, const std::string& trace) {
  const NoteAtEnd ends(trace, "dialog ends");
  note(trace, "call " + caller.call_id() + " of " + caller.caller().name);
  caller.started();
  try {
    sleep_forever();
  } catch (const Cancelled&) {
    note(trace, "cancelled by " + caller.cancelled_by().value_or(ActorRef{.name = "nobody"}).name);
    throw;
  }
}
// Several tasks of one call push items.
void push_from_tasks(Context<int, int>& caller, int tasks, int items) {
  open_task_nursery([&](TaskNursery& t) {
    for (int task = 0; task < tasks; ++task) {
      t.start_soon([&caller, task, items] {
        for (int i = 0; i < items; ++i) {
          caller.send(task * items + i);
          checkpoint();
        }
      });
    }
  });
}
std::atomic<int> received = 0;
void take_slowly(Context<std::string, int>& caller) {
  for (received = 0; received < 5; ++received) caller.receive();
  sleep_forever();
}
int how_many() { return received; }
bool cancel_elsewhere(const std::string& actor, const std::string& call_id) {
  return wait_for_actor(actor).cancel_call(call_id, "enough said");
}

void define(Program& p) {
  p.module("talk")
      .def("add_up", add_up, "start")
      .def("echo", echo)
      .def("says_first", says_first, "count")
      .def("start_late", start_late, "items", "closes")
      .def("misuse", misuse)
      .def("start_with", start_with, "size")
      .def("fail_at_third", fail_at_third)
      .def("until_cancelled", until_cancelled, "trace")
      .def("push_from_tasks", push_from_tasks, "tasks", "items")
      .def("take_slowly", take_slowly)
      .def("how_many", how_many)
      .def("cancel_elsewhere", cancel_elsewhere, "actor", "call_id");
}

class Dialogs : public TracedProcesses {
 protected:
  // With an actor "talker", which serves until the body has ended.
  void with_talker(const std::function<void(Portal&)>& body) {
    run([&] {
      open_nursery([&](ActorNursery& n) {
        Portal talker = n.start_actor("talker", {.modules = {"talk"}});
        body(talker);
        EXPECT_EQ(talker.open_context(add_up, 1).result(), 1);  // the connection is usable
        talker.cancel_actor();
      });
    });
  }
};

TEST_F(Dialogs, A16_ten_pings_and_pongs_and_a_clean_end) {
  with_talker([](Portal& talker) {
    auto dialog = talker.open_context(add_up, 100);
    EXPECT_EQ(dialog.started<std::string>(), "ready");
    int sum = 100;
    for (int i = 1; i <= 10; ++i) {
      dialog.send(i);
      EXPECT_EQ(dialog.receive(), "now " + std::to_string(sum += i));
    }
    dialog.close_send();
    EXPECT_FALSE(dialog.next());
    EXPECT_EQ(dialog.result(), 155);
    EXPECT_EQ(dialog.result(), 155);
    dialog.close();
  });
}

TEST_F(Dialogs, A16_the_caller_may_end_sending_first_and_still_receives) {
  with_talker([](Portal& talker) {
    auto dialog = talker.open_context(echo);
    for (int i = 0; i < 50; ++i) dialog.send(std::string(std::size_t(i) * 3'000, 'e'));
    dialog.close_send();
    std::size_t n = 0;
    for (const std::string& text : dialog) EXPECT_EQ(text.size(), 3'000 * n++);
    EXPECT_EQ(n, 50U);
  });
}

TEST_F(Dialogs, A16_the_function_may_end_sending_first_and_still_receives) {
  with_talker([](Portal& talker) {
    auto dialog = talker.open_context(says_first, 3);
    std::vector<int> items;
    for (int i : dialog) items.push_back(i);
    EXPECT_EQ(items, (std::vector<int>{0, 1, 2}));
    dialog.send("still ");
    dialog.send("here");
    EXPECT_EQ(dialog.result(), "still here");
  });
}

TEST_F(Dialogs, A16_result_drops_what_was_not_received) {
  with_talker([](Portal& talker) { EXPECT_EQ(talker.open_context(says_first, 5'000).result(), ""); });
}

TEST_F(Dialogs, A17_misuse_is_told_on_either_side) {
  with_talker([](Portal& talker) {
    auto dialog = talker.open_context(misuse);
    EXPECT_EQ(dialog.started<int>(), 1);
    dialog.close_send();
    EXPECT_TRUE(contains(thrown<ClosedError>([&] { return dialog.send(1), 0; }).what(), "close_send"));
    EXPECT_FALSE(dialog.next());
    EXPECT_TRUE(contains(thrown<EndOfChannel>([&] { return dialog.receive(); }).what(), "sends no more"));
    const std::string said = dialog.result();
    EXPECT_TRUE(contains(said, "started() was called before"));
    EXPECT_TRUE(contains(said, "nothing can be sent after close_send()"));
    EXPECT_TRUE(contains(said, "the other side of this dialog sends no more"));

    auto ended = talker.open_context(says_first, 0);
    ended.result();
    EXPECT_TRUE(contains(thrown<ClosedError>([&] { return ended.send("more"), 0; }).what(), "close_send"));
    auto echoing = talker.open_context(fail_at_third);
    EXPECT_TRUE(contains(usage_error([] { return find_actor(current_actor().name())->open_context(echo); }),
                         "cannot have a dialog with itself"));
    EXPECT_TRUE(contains(remote_error([&] { return talker.run("talk.echo"); }).message(), "open_context()"));
  });
}

TEST_F(Dialogs, A07_a_started_value_that_is_too_large_fails_that_dialog_alone) {
  with_talker([](Portal& talker) {
    auto beside = talker.open_context(echo);
    auto dialog = talker.open_context(start_with, std::size_t{70} << 20);
    const RemoteActorError error = remote_error([&] { return dialog.result(), 0; });
    EXPECT_EQ(error.kind(), ErrorKind::resource_exhausted);
    EXPECT_TRUE(contains(error.message(), "started() of talk.start_with has 734"));
    EXPECT_TRUE(contains(error.message(), "at most 67108864"));
    beside.send("still here");
    EXPECT_EQ(beside.receive(), "still here");
    auto largest = talker.open_context(start_with, std::size_t{63} << 20);
    EXPECT_EQ(largest.started<std::string>().size(), std::size_t{63} << 20);
    largest.result();
  });
}

TEST_F(Dialogs, A12_an_error_comes_after_what_was_sent_before_it) {
  with_talker([](Portal& talker) {
    auto dialog = talker.open_context(fail_at_third);
    for (int i = 0; i < 3; ++i) dialog.send(i);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(dialog.receive(), i);
    EXPECT_EQ(remote_error([&] { return dialog.receive(); }).message(), "enough");
    EXPECT_EQ(remote_error([&] { return dialog.result(), 0; }).message(), "enough");
    EXPECT_EQ(remote_error([&] { return dialog.send(4), 0; }).message(), "enough");
  });
}

TEST_F(Dialogs, A13_leaving_a_dialog_ends_the_function_which_unwinds_before_the_next_line) {
  with_talker([&](Portal& talker) {
    {
      auto dialog = talker.open_context(until_cancelled, trace_.path());
      EXPECT_EQ(dialog.started(), Value());
      EXPECT_TRUE(trace_.has("call " + dialog.call_id() + " of " + current_actor().name()));
    }
    EXPECT_TRUE(trace_.has("dialog ends"));
    EXPECT_TRUE(trace_.has("cancelled by " + current_actor().name()));
  });
}

TEST_F(Dialogs, A32_a_call_is_cancelled_by_its_id_from_elsewhere_and_who_did_is_known_to_both) {
  with_talker([&](Portal& talker) {
    open_nursery([&](ActorNursery& n) {
      Portal other = n.start_actor("other", {.modules = {"talk"}});
      auto dialog = talker.open_context(until_cancelled, trace_.path());
      dialog.started();
      EXPECT_TRUE(other.run(cancel_elsewhere, "talker", dialog.call_id()));
      const auto error = thrown<RemoteCancelled>([&] { return dialog.receive(); });
      EXPECT_TRUE(contains(error.cancelled_by(), "other@"));
      EXPECT_TRUE(contains(error.message(), "enough said"));
      EXPECT_TRUE(trace_.has("cancelled by other"));
      EXPECT_FALSE(other.run(cancel_elsewhere, "talker", dialog.call_id()));
      n.cancel();
    });
  });
}

TEST_F(Dialogs, A32_cancelling_ones_own_dialog_is_told_as_such) {
  with_talker([&](Portal& talker) {
    auto dialog = talker.open_context(until_cancelled, trace_.path());
    dialog.started();
    dialog.cancel("changed my mind");
    const auto error = thrown<RemoteCancelled>([&] { return dialog.result(), 0; });
    EXPECT_TRUE(contains(error.message(), "changed my mind"));
  });
}

TEST_F(Dialogs, a_reason_that_is_no_utf8_ends_its_dialog_and_nothing_else) {
  with_talker([&](Portal& talker) {
    auto other = talker.open_context(echo);
    auto dialog = talker.open_context(until_cancelled, trace_.path());
    dialog.started();
    dialog.cancel("caf\xe9");
    const auto error = thrown<RemoteCancelled>([&] { return dialog.result(), 0; });
    EXPECT_TRUE(contains(error.message(), "caf\\xe9"));
    EXPECT_FALSE(talker.cancel_call("nobody's", "caf\xe9"));
    other.send("still here");
    EXPECT_EQ(other.receive(), "still here");
  });
}

TEST_F(Dialogs, A20_several_tasks_of_one_call_push_items) {
  with_talker([](Portal& talker) {
    auto dialog = talker.open_context(push_from_tasks, 8, 200);
    std::set<int> items;
    int last_of_first = -1;
    for (int i : dialog) {
      items.insert(i);
      if (i >= 200) continue;
      EXPECT_EQ(i, last_of_first + 1);  // each task's own stay in order
      last_of_first = i;
    }
    EXPECT_EQ(items.size(), 1'600U);
    dialog.result();
  });
}

TEST_F(Dialogs, A14_a_function_that_does_not_receive_holds_its_caller_back) {
  with_talker([](Portal& talker) {
    auto dialog = talker.open_context(take_slowly);
    int sent = 0;
    const CancelScope scope = move_on_after(within(300ms), [&] {
      for (;; ++sent) dialog.send("x");
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_GE(sent, 1'000);
    EXPECT_LE(sent, 1'024 + 512 + 5);
    EXPECT_EQ(talker.run(how_many), 5);
  });
}

TEST_F(Dialogs, A29_cancelling_a_task_that_waits_in_a_dialog_ends_the_function_first) {
  with_talker([&](Portal& talker) {
    const CancelScope scope = move_on_after(within(100ms), [&] {
      auto dialog = talker.open_context(until_cancelled, trace_.path());
      dialog.receive();
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_TRUE(trace_.has("dialog ends"));
  });
}

TEST_F(Dialogs, the_value_of_started_arrives_whatever_went_before) {
  with_talker([](Portal& talker) {
    const auto value = [&](int items, const std::string& item, bool closes) {
      auto dialog = talker.open_context(start_late, items, closes);
      for (int i = 0; i < items; ++i) dialog.send(item);
      return dialog.started<int>();
    };
    EXPECT_EQ(value(600, "x", false), 42);
    EXPECT_EQ(value(1, std::string(3 << 20, 'x'), false), 42);
    EXPECT_EQ(value(0, "", true), 42);
  });
}

TEST_F(Dialogs, A36_killing_the_other_side_ends_a_dialog_with_an_error_that_names_it_and_the_signal) {
  run([&] {
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        Portal talker = n.start_actor("talker", {.modules = {"talk"}});
        auto dialog = talker.open_context(until_cancelled, trace_.path());
        dialog.started();
        const auto killed_at = monotonic_now();
        kill(*trace_.pids().begin(), SIGKILL);
        try {
          dialog.receive();
        } catch (const RemoteActorError&) {
          EXPECT_LT(monotonic_now() - killed_at, within(1s));
          throw;
        }
      });
    });
    EXPECT_TRUE(contains(error.what(), "\"talker\"") && contains(error.what(), "signal 9"));
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
