#include "bench_program.h"

#include <tractor/tractor.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "report.h"

namespace bench {
namespace {

constexpr int kUsageError = 2;

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

void write_file(const std::string& name, const std::function<void(std::ostream&)>& write) {
  if (name.empty()) return;
  std::ofstream file(name);
  write(file);
  file.close();
  if (!file) throw tractor::UsageError("cannot write " + name);
}

}  // namespace

std::vector<std::string> BenchProgram::figure_names() const {
  std::vector<std::string> names;
  for (const Measurement& measurement : measurements_) {
    for (const Figure& figure : measurement.figures) names.push_back(figure.name);
  }
  return names;
}

std::string BenchProgram::list_of_figures() const {
  std::ostringstream text;
  text << "Figures:\n";
  for (const Measurement& measurement : measurements_) {
    for (const Figure& figure : measurement.figures)
      text << "  " << std::left << std::setw(27) << figure.name << figure.meaning << '\n';
  }
  return text.str();
}

std::optional<int> BenchProgram::parse(int argc, char** argv) {
  CLI::App app(description_);
  app.name(name_);
  app.add_option("--json", json_file_, "Write the figures to FILE as well: one JSON object, value by name")
      ->option_text("FILE");
  app.add_option("--histogram", histogram_file_,
                 "Write the latencies to FILE: one JSON object, by name a list of [upper bound in us, count]")
      ->option_text("FILE");
  app.add_flag("--check", check_, "Exit with status 1, naming them, when figures are above their limits");
  app.add_option("--only", only_, "Only these figures, and no more measuring than they need")
      ->option_text("NAME...")
      ->check([names = figure_names()](const std::string& name) {
        return std::ranges::count(names, name) > 0 ? "" : "there is no figure \"" + name + "\"; --help lists them";
      });
  app.add_option("--rounds", rounds_, "How often everything is measured; the figures are medians")
      ->option_text("N [" + std::to_string(rounds_) + "]")
      ->check(CLI::Range(1, 1000));
  app.footer(list_of_figures());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? EXIT_SUCCESS : kUsageError;
  }
  return std::nullopt;
}

int BenchProgram::run(const std::string& directory) const {
  Report report;
  std::map<std::string, Histogram> latencies;
  Progress progress;
  for (const Measurement& measurement : measurements_) {
    const auto is_it = [&](const Figure& figure) { return is_wanted(figure); };
    if (std::none_of(measurement.figures.begin(), measurement.figures.end(), is_it)) continue;
    Settings settings{.rounds = rounds_, .directory = directory};
    settings.progress = [&](int round, int rounds) {
      progress.show(measurement.figures.front().name + ": round " + std::to_string(round + 1) + " of " +
                    std::to_string(rounds));
    };
    settings.record = [&](const std::string& name, const Histogram& some) { latencies[name].add(some); };
    const Values values = measurement.run(settings);
    for (const Figure& figure : measurement.figures) {
      if (is_it(figure)) report.add(figure, values.at(figure.name));
    }
  }
  progress.show("");
  report.print_table(std::cout);
  write_file(json_file_, [&](std::ostream& file) { report.write_json(file); });
  write_file(histogram_file_, [&](std::ostream& file) { write_histograms(latencies, file); });
  const std::vector<std::string> failures = report.failures();
  if (!check_ || failures.empty()) return EXIT_SUCCESS;
  std::cerr << name_ << ": beyond the limit:";
  for (const std::string& failure : failures) std::cerr << ' ' << failure;
  std::cerr << '\n';
  return EXIT_FAILURE;
}

}  // namespace bench
