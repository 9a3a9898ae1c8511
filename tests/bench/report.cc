#include "report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

namespace bench {
namespace {

// Three digits that say something: 1.09, 41.2, 117, 48100.
std::string rounded(double value) {
  std::ostringstream text;
  const int digits_before_point = value < 1 ? 1 : static_cast<int>(std::log10(value)) + 1;
  text << std::fixed << std::setprecision(std::max(0, 3 - digits_before_point)) << value;
  return text.str();
}

std::string text_of(const Limit& limit, double value) {
  if (!limit.at_most && !limit.at_least) return "";
  return (limit.at_most ? "<= " + rounded(*limit.at_most) : ">= " + rounded(*limit.at_least)) +
         (limit.holds(value) ? " ok" : " FAILS");
}

}  // namespace

void Report::print_table(std::ostream& out) const {
  out << std::left << std::setw(27) << "figure" << std::right << std::setw(8) << "value" << ' ' << std::left
      << std::setw(5) << "unit" << std::setw(14) << "limit"
      << "what\n";
  for (const auto& [figure, value] : results_) {
    const std::string limit = text_of(figure.limit, value);
    out << std::left << std::setw(27) << figure.name << std::right << std::setw(8) << rounded(value) << ' ' << std::left
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
    if (!figure.limit.holds(value)) names.push_back(figure.name);
  }
  return names;
}

void write_histograms(const std::map<std::string, Histogram>& histograms, std::ostream& out) {
  const char* separator = "{";
  for (const auto& [name, histogram] : histograms) {
    out << separator << "\n  \"" << name << "\": [";
    separator = "";
    for (const auto& [bucket, count] : histogram.counts()) {
      out << separator << '[' << Histogram::upper_bound_us(bucket) << ", " << count << ']';
      separator = ", ";
    }
    out << ']';
    separator = ",";
  }
  out << "\n}\n";
}

}  // namespace bench
