// A benchmark's command line: which figures it is to measure, and how it tells them.
#pragma once

#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "measurement.h"

namespace bench {

class BenchProgram {
 public:
  BenchProgram(std::string name, std::string description, std::vector<Measurement> measurements)
      : name_(std::move(name)), description_(std::move(description)), measurements_(std::move(measurements)) {}

  // The exit status when there is nothing to measure: --help, or a wrong option.
  std::optional<int> parse(int argc, char** argv);
  // Measures and tells; the exit status. `directory` is for sockets.
  int run(const std::string& directory) const;

 private:
  bool is_wanted(const Figure& figure) const { return only_.empty() || only_.contains(figure.name); }
  std::vector<std::string> figure_names() const;
  std::string list_of_figures() const;

  std::string name_;
  std::string description_;
  std::vector<Measurement> measurements_;
  std::string json_file_;
  std::string histogram_file_;
  bool check_ = false;
  std::set<std::string> only_;
  int rounds_ = Settings{}.rounds;
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

}  // namespace bench
