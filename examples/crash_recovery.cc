// A ledger that survives crashes: it keeps a journal, and its supervisor starts it again. When it cannot be helped, the
// supervisor gives up and says why.
#include <tractor/tractor.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>

// --- the ledger: an actor that keeps its state in a file ---

std::string journal() {
  return tractor::Codec<std::string>::decode(tractor::current_actor().statespace().at("journal"));
}

// What the journal says: the entries and their sum.
std::pair<int, int> recover() {
  int entries = 0;
  int sum = 0;
  std::ifstream file(journal());
  for (int amount = 0; file >> amount; ++entries) sum += amount;
  return {entries, sum};
}

// [book]
// Entry number `number` is written once, however often it is asked for: a caller whose call failed may repeat it.
int book(int number, int amount) {
  if (number == recover().first) std::ofstream(journal(), std::ios::app) << amount << std::endl;
  if (amount == 13) std::raise(SIGKILL);  // written, but nobody will be told
  return recover().second;
}
// [/book]

void audit() { throw std::runtime_error("page " + std::to_string(recover().first) + " is missing"); }

// --- the program ---

int book_surely(tractor::Supervisor& supervisor, int number, int amount) {
  // [again]
  while (true) {
    try {
      return supervisor.portal("ledger").run(book, number, amount);  // waits while it is being started again
    } catch (const tractor::RemoteActorError& error) {
      if (error.kind() != tractor::ErrorKind::unavailable) throw;
      std::cout << "the ledger died; once more" << std::endl;
      amount = 12;  // bad luck is not repeated
    }
  }
  // [/again]
}

void director() {
  const std::string directory = (std::filesystem::temp_directory_path() / "ledger-XXXXXX").string();
  std::string path = directory;
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);

  tractor::Supervisor supervisor;
  supervisor.add("ledger", {.modules = {"ledger"}, .statespace = {{"journal", path + "/journal"}}});
  tractor::open_nursery(supervisor, [&] {
    int number = 0;
    for (const int amount : {10, 13, 20}) {
      const int sum = book_surely(supervisor, number++, amount);
      std::cout << "sum: " << sum << std::endl;
    }
  });

  // [give_up]
  tractor::Supervisor hopeless({.intensity = 3, .backoff = {.first = std::chrono::milliseconds(10)}});
  hopeless.add("auditor", {.statespace = {{"journal", path + "/journal"}}}, audit);
  try {
    tractor::open_nursery(hopeless, [] { tractor::sleep_forever(); });
  } catch (const tractor::SupervisorError& error) {
    std::cout << "no more of " << error.child() << ": ";
    try {
      std::rethrow_if_nested(error);
    } catch (const tractor::RemoteActorError& last) {
      std::cout << last.message() << std::endl;
    }
  }
  // [/give_up]
  std::filesystem::remove_all(path);
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("ledger").def("book", book, "number", "amount").def("audit", audit);
  return program.main(director);
}
