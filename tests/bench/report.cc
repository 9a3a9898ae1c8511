#include "report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

namespace bench {
namespace {

bool holds(const Figure& figure, double value) { return !figure.at_most || value <= *figure.at_most; }

// Three digits that say something: 1.09, 41.2, 117, 48100.
std::string rounded(double value) {
  std::ostringstream text;
  const int digits_before_point = value < 1 ? 1 : static_cast<int>(std::log10(value)) + 1;
  text << std::fixed << std::setprecision(std::max(0, 3 - digits_before_point)) << value;
  return text.str();
}

}  // namespace

void Report::print_table(std::ostream& out) const {
  out << std::left << std::setw(22) << "figure" << std::right << std::setw(8) << "value" << ' ' << std::left
      << std::setw(5) << "unit" << std::setw(14) << "limit"
      << "what\n";
  for (const auto& [figure, value] : results_) {
    const std::string limit =
        figure.at_most ? "<= " + rounded(*figure.at_most) + (holds(figure, value) ? " ok" : " FAILS") : "";
    out << std::left << std::setw(22) << figure.name << std::right << std::setw(8) << rounded(value) << ' ' << std::left
        << std::setw(5) << figure.unit << std::setw(14) << limit << figure.meaning << '\n';
  }
}

void Report::write_json(std::ostream& out) const {
  const char* separator = "{";
  for (const auto& [figure, value] : results_) {
    out << separator << "\n  \"" << figure.name << "\": " << value;
    separator = ",";
  }
  out << "\n}\n";
}

std::vector<std::string> Report::failures() const {
  std::vector<std::string> names;
  for (const auto& [figure, value] : results_) {
    if (!holds(figure, value)) names.push_back(figure.name);
  }
  return names;
}

}  // namespace bench
