// Mistake: one thing that is wrong with a config, as people read it:
//
//   sockhook.yaml:12:14: endpoints[0].limits.ping_interval: "25" has no unit; allowed: ...
//
// Lines and columns count from 1, columns in characters. Never holds the value of a secret.

#pragma once

#include <string>

namespace sockhook::conf {

struct Position {
  int line = 1;
  int column = 1;

  bool operator==(const Position&) const = default;
  bool operator<(const Position& other) const {
    return line != other.line ? line < other.line : column < other.column;
  }
};

struct Mistake {
  std::string file;
  Position at;
  std::string path;  // "endpoints[0].path"; empty: the file as a whole
  std::string what;  // what is wrong, and what is allowed

  std::string to_string() const {
    return file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
           (path.empty() ? what : path + ": " + what);
  }
  bool operator==(const Mistake&) const = default;
};

}  // namespace sockhook::conf
