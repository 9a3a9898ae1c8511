// A dialog: a call with items both ways. The teller's state lives on its stack, for as long as the conversation goes
// on.
#include <tractor/tractor.h>

#include <iostream>
#include <string>

// [function]
// Receives amounts, answers each with the balance, and returns how many there were.
int teller(tractor::Context<int, std::string>& customer, int balance) {
  customer.started("good morning, you have " + std::to_string(balance));
  int bookings = 0;
  for (const int amount : customer) {
    balance += amount;
    ++bookings;
    customer.send(balance < 0 ? "sorry, that would be " + std::to_string(balance)
                              : "you have " + std::to_string(balance));
  }
  customer.send("good-bye");
  return bookings;
}
// [/function]

// [caller]
void visit_the_bank() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    tractor::Portal bank = n.start_actor("bank", {.modules = {"bank"}});
    auto dialog = bank.open_context(teller, 100);
    std::cout << dialog.started<std::string>() << '\n';
    for (const int amount : {20, -50, -80}) {
      dialog.send(amount);
      std::cout << amount << ": " << dialog.receive() << '\n';
    }
    dialog.close_send();  // the teller's loop ends
    for (const std::string& last_words : dialog) std::cout << last_words << '\n';
    std::cout << dialog.result() << " bookings\n";
    bank.cancel_actor();
  });
}
// [/caller]

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("bank").def("teller", teller, "balance");
  return program.main(visit_the_bank);
}
