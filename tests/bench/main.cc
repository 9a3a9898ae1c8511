// tractor_bench: what tractor costs, in named figures. See --help.
#include <tractor/tractor.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <set>
#include <sstream>

#include "functions.h"
#include "measurement.h"
#include "raw_grpc.h"
#include "report.h"

namespace bench {
namespace {

constexpr int kUsageError = 2;

struct CommandLine {
  std::string json_file;
  bool check = false;
  std::set<std::string> only;
  int rounds = Settings{}.rounds;
};

// A directory for sockets that other programs, and other runs, do not meet; removed when it goes.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    if (mkdtemp(path_.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "cannot make " + path_);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "tractor-bench-XXXXXX").string();
};

// One line on stderr, rewritten, when someone is there to read it.
class Progress {
 public:
  void show(const std::string& text) {
    if (terminal_) std::cerr << "\r\033[K" << text << std::flush;
  }
  ~Progress() { show(""); }

 private:
  bool terminal_ = isatty(STDERR_FILENO) == 1;
};

std::vector<std::string> figure_names() {
  std::vector<std::string> names;
  for (const Measurement& measurement : all_measurements()) {
    for (const Figure& figure : measurement.figures) names.push_back(figure.name);
  }
  return names;
}

std::string list_of_figures() {
  std::ostringstream text;
  text << "Figures:\n";
  for (const Measurement& measurement : all_measurements()) {
    for (const Figure& figure : measurement.figures)
      text << "  " << std::left << std::setw(22) << figure.name << figure.meaning << '\n';
  }
  return text.str();
}

bool is_wanted(const Figure& figure, const CommandLine& wanted) {
  return wanted.only.empty() || wanted.only.contains(figure.name);
}

Report measure(const CommandLine& wanted, const std::string& directory) {
  Report report;
  Progress progress;
  for (const Measurement& measurement : all_measurements()) {
    const auto is_it = [&](const Figure& figure) { return is_wanted(figure, wanted); };
    if (std::none_of(measurement.figures.begin(), measurement.figures.end(), is_it)) continue;
    Settings settings{.rounds = wanted.rounds, .directory = directory};
    settings.progress = [&](int round, int rounds) {
      progress.show(measurement.figures.front().name + ": round " + std::to_string(round + 1) + " of " +
                    std::to_string(rounds));
    };
    const Values values = measurement.run(settings);
    for (const Figure& figure : measurement.figures) {
      if (is_it(figure)) report.add(figure, values.at(figure.name));
    }
  }
  return report;
}

// The exit status.
int tell(const Report& report, const CommandLine& wanted) {
  report.print_table(std::cout);
  if (!wanted.json_file.empty()) {
    std::ofstream file(wanted.json_file);
    report.write_json(file);
    file.close();
    if (!file) throw tractor::UsageError("cannot write " + wanted.json_file);
  }
  const std::vector<std::string> failures = report.failures();
  if (!wanted.check || failures.empty()) return EXIT_SUCCESS;
  std::cerr << "tractor_bench: beyond the limit:";
  for (const std::string& name : failures) std::cerr << ' ' << name;
  std::cerr << '\n';
  return EXIT_FAILURE;
}

CommandLine parse(CLI::App& app, int argc, char** argv) {
  CommandLine wanted;
  app.name("tractor_bench");
  app.add_option("--json", wanted.json_file, "Write the figures to FILE as well: one JSON object, value by name")
      ->option_text("FILE");
  app.add_flag("--check", wanted.check, "Exit with status 1, naming them, when figures are above their limits");
  app.add_option("--only", wanted.only, "Only these figures, and no more measuring than they need")
      ->option_text("NAME...")
      ->check(CLI::IsMember(figure_names()));
  app.add_option("--rounds", wanted.rounds, "How often everything is measured; the figures are medians")
      ->option_text("N [" + std::to_string(wanted.rounds) + "]")
      ->check(CLI::Range(1, 1000));
  app.footer(list_of_figures());
  app.parse(argc, argv);
  return wanted;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module(bench::kModule)
      .def("echo", bench::echo, "text")
      .def("nothing", bench::nothing)
      .def("items", bench::items, "count", "size")
      .def("idle", bench::idle)
      .def("items_forever", bench::items_forever, "size")
      .def("own_pid", bench::own_pid)
      .def("wait_forever", bench::wait_forever)
      .def("grow", bench::grow, "widths")
      .def("chat", bench::chat);
  program.serve_if_child();
  bench::run_if_raw_server(argc, argv);
  bench::run_if_raw_client(argc, argv);

  CLI::App app(
      "Measures what tractor costs: tasks, actors as processes, and calls, these next to plain gRPC's.\n"
      "Takes about two minutes. Figures mean something in a release build on a machine that does nothing else.");
  bench::CommandLine wanted;
  try {
    wanted = bench::parse(app, argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? EXIT_SUCCESS : bench::kUsageError;
  }
  const bench::TemporaryDirectory directory;
  return program.main({.name = "bench", .arbiter = "unix:" + directory.path() + "/arbiter.sock"},
                      [&] { return bench::tell(bench::measure(wanted, directory.path()), wanted); });
}
