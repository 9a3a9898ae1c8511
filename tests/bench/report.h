// How figures are told: a table for people, JSON for programs.
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "measurement.h"
#include "samples.h"

namespace bench {

class Report {
 public:
  void add(const Figure& figure, double value) { results_.emplace_back(figure, value); }

  void print_table(std::ostream& out) const;
  // One object, value by name.
  void write_json(std::ostream& out) const;
  // The names of those above their limit.
  std::vector<std::string> failures() const;

 private:
  std::vector<std::pair<Figure, double>> results_;
};

// One object, by name a list of [upper bound in us, count].
void write_histograms(const std::map<std::string, Histogram>& histograms, std::ostream& out);

}  // namespace bench
