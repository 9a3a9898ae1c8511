#include "runtime/task/cancel_scope.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "runtime/task/sanitizers.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/sync.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

Clock::duration elapsed(Clock::time_point since) { return Clock::now() - since; }

TEST(CancelScope, cancelling_ends_the_block_at_its_next_checkpoint) {
  run_virtual([] {
    CancelScope scope;
    bool before = false;
    bool after = false;
    scope.run([&] {
      scope.cancel();
      before = true;
      checkpoint();
      after = true;
    });
    EXPECT_TRUE(before);
    EXPECT_FALSE(after);
    EXPECT_TRUE(scope.cancel_called());
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(CancelScope, a_block_that_meets_no_checkpoint_is_not_cut_short) {
  run_virtual([] {
    CancelScope scope;
    EXPECT_EQ(scope.run([&] {
      scope.cancel();
      return 7;
    }),
              7);
    EXPECT_TRUE(scope.cancel_called());
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(CancelScope, returns_the_bodys_value_or_nothing_when_cut_short) {
  run_virtual([] {
    CancelScope whole;
    EXPECT_EQ(*whole.run([] { return std::string("value"); }), "value");
    CancelScope cut;
    cut.cancel();
    EXPECT_FALSE(cut.run([] {
      checkpoint();
      return std::make_unique<int>(1);
    }));
  });
}

TEST(CancelScope, A51_cancelling_before_entering_cancels_the_first_checkpoint) {
  run_virtual([] {
    CancelScope scope;
    scope.cancel();
    EXPECT_FALSE(scope.effectively_cancelled());
    scope.run([&] {
      EXPECT_TRUE(scope.effectively_cancelled());
      EXPECT_THROW(checkpoint(), Cancelled);
    });
  });
}

TEST(CancelScope, cancelling_after_the_block_does_nothing) {
  run_virtual([] {
    CancelScope scope;
    scope.run([] {});
    scope.cancel();
    EXPECT_FALSE(scope.cancel_called());
    checkpoint();
  });
}

TEST(CancelScope, A51_cancellation_is_level_triggered) {
  run_virtual([] {
    CancelScope scope;
    scope.run([&] {
      scope.cancel();
      Event never;
      EXPECT_THROW(checkpoint(), Cancelled);
      EXPECT_THROW(sleep(1s), Cancelled);
      EXPECT_THROW(sleep(0s), Cancelled);
      EXPECT_THROW(sleep_forever(), Cancelled);
      EXPECT_THROW(never.wait(), Cancelled);
      EXPECT_THROW(throw_if_cancelled(), Cancelled);
      EXPECT_TRUE(currently_cancelled());
    });
    EXPECT_FALSE(currently_cancelled());
    checkpoint();
  });
}

TEST(CancelScope, a_cancelled_checkpoint_throws_after_others_had_a_turn) {
  run_virtual([] {
    int turns = 0;
    open_task_nursery([&turns](TaskNursery& t) {
      t.start_soon([&turns] {
        while (turns < 3) {
          ++turns;
          yield_now();
        }
      });
      CancelScope scope;
      scope.run([&] {
        scope.cancel();
        for (int expected = 1; expected <= 3; ++expected) {
          EXPECT_THROW(sleep_forever(), Cancelled);
          EXPECT_EQ(turns, expected);
        }
      });
    });
  });
}

TEST(CancelScope, A51_only_the_outermost_cancelled_scope_absorbs) {
  run_virtual([] {
    CancelScope outer;
    CancelScope inner;
    bool between = false;
    outer.run([&] {
      inner.run([&] {
        inner.cancel();
        outer.cancel();
        checkpoint();
      });
      between = true;
    });
    EXPECT_FALSE(between);
    EXPECT_FALSE(inner.cancelled_caught());
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

TEST(CancelScope, an_inner_scope_does_not_cancel_the_outer_one) {
  run_virtual([] {
    CancelScope outer;
    bool between = false;
    outer.run([&] {
      CancelScope inner;
      inner.run([&] {
        inner.cancel();
        checkpoint();
      });
      EXPECT_TRUE(inner.cancelled_caught());
      checkpoint();
      between = true;
    });
    EXPECT_TRUE(between);
    EXPECT_FALSE(outer.cancelled_caught());
  });
}

TEST(CancelScope, A51_a_shield_keeps_outer_cancellation_out) {
  run_virtual([] {
    const auto start = Clock::now();
    CancelScope outer;
    outer.run([&] {
      outer.cancel();
      CancelScope shielded({.shield = true});
      shielded.run([&] {
        EXPECT_FALSE(currently_cancelled());
        sleep(2s);
      });
      EXPECT_EQ(elapsed(start), 2s);
      EXPECT_THROW(checkpoint(), Cancelled);
    });
  });
}

TEST(CancelScope, a_shield_does_not_keep_its_own_cancellation_out) {
  run_virtual([] {
    CancelScope shielded({.deadline = deadline_after(1s), .shield = true});
    shielded.run([] { sleep(2s); });
    EXPECT_TRUE(shielded.cancelled_caught());
  });
}

TEST(CancelScope, a_cancelled_shielded_scope_absorbs_even_when_the_outer_one_is_cancelled_too) {
  run_virtual([] {
    CancelScope outer;
    outer.run([&] {
      outer.cancel();
      CancelScope shielded({.shield = true});
      shielded.run([&] {
        shielded.cancel();
        checkpoint();
      });
      EXPECT_TRUE(shielded.cancelled_caught());
      checkpoint();
    });
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

TEST(CancelScope, dropping_a_shield_lets_a_pending_cancellation_in) {
  run_virtual([] {
    CancelScope outer;
    CancelScope inner({.shield = true});
    const auto start = Clock::now();
    outer.run([&] {
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] {
          CancelScope own({.shield = true});
          own.run([&] {
            sleep(1s);
            inner.set_shield(false);
          });
        });
        inner.run([&] {
          outer.cancel();
          sleep(10s);
        });
      });
    });
    EXPECT_EQ(elapsed(start), 1s);
    EXPECT_FALSE(inner.cancelled_caught());
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

TEST(CancelScope, raising_a_shield_takes_an_outer_cancellation_away) {
  run_virtual([] {
    CancelScope outer;
    outer.run([&] {
      CancelScope inner;
      inner.run([&] {
        outer.cancel();
        EXPECT_TRUE(currently_cancelled());
        inner.set_shield(true);
        EXPECT_FALSE(currently_cancelled());
        checkpoint();
      });
    });
  });
}

TEST(CancelScope, A51_an_error_passes_through_a_cancelled_scope) {
  run_virtual([] {
    CancelScope scope;
    EXPECT_THROW(scope.run([&] {
      scope.cancel();
      throw std::runtime_error("real");
    }),
                 std::runtime_error);
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(CancelScope, A51_a_catch_all_that_rethrows_does_not_disturb_cancellation) {
  run_virtual([] {
    CancelScope scope;
    bool cleaned_up = false;
    scope.run([&] {
      scope.cancel();
      try {
        sleep_forever();
      } catch (...) {
        CancelScope shielded({.deadline = deadline_after(10s), .shield = true});
        shielded.run([] { sleep(1s); });
        cleaned_up = true;
        throw;
      }
    });
    EXPECT_TRUE(cleaned_up);
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(CancelScope, catching_standard_exceptions_lets_cancelled_pass) {
  run_virtual([] {
    auto scope = move_on_after(1s, [] {
      try {
        sleep_forever();
      } catch (const std::exception&) {
        ADD_FAILURE();
      }
    });
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(CancelScope, hundreds_of_nested_scopes_are_cancelled_from_the_outermost) {
  run_virtual([] {
    CancelScope outermost;
    std::function<void(int)> nest = [&](int depth) {
      if (depth == 0) {
        outermost.cancel();
        EXPECT_TRUE(currently_cancelled());
        checkpoint();
      }
      CancelScope scope;
      scope.run([&] { nest(depth - 1); });
    };
    outermost.run([&] { nest(kSanitized ? 100 : 400); });
    EXPECT_TRUE(outermost.cancelled_caught());
  });
}

TEST(CancelScope, misuse_is_a_usage_error) {
  CancelScope outside;
  EXPECT_THROW(outside.run([] {}), UsageError);
  EXPECT_THROW(currently_cancelled(), UsageError);
  EXPECT_THROW(current_effective_deadline(), UsageError);
  run_virtual([] {
    CancelScope twice;
    twice.run([&] {
      EXPECT_THROW(twice.run([] {}), UsageError);
      EXPECT_THROW(CancelScope moved(std::move(twice)), UsageError);
    });
    EXPECT_THROW(twice.run([] {}), UsageError);
  });
}

TEST(CancelScope, cancelling_twice_is_cancelling_once) {
  run_virtual([] {
    CancelScope scope;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        scope.cancel();
        scope.cancel();
      });
      scope.run([] { sleep_forever(); });
    });
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(CancelScope, cancelling_reaches_what_is_inside_and_nothing_else) {
  run_virtual([] {
    int finished = 0;
    open_task_nursery([&](TaskNursery& t) {
      CancelScope scope;
      t.start_soon([&] {
        sleep(2s);
        ++finished;
      });
      scope.run([&] {
        open_task_nursery([&](TaskNursery& inside) {
          inside.start_soon([&] {
            sleep(2s);
            ++finished;
          });
          scope.cancel();
        });
      });
      sleep(1s);
    });
    EXPECT_EQ(finished, 1);
  });
}

}  // namespace
}  // namespace tractor
