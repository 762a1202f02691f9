// take_value: takes a whole JSON value off a JsonReader, whatever it is, and asks a Judge about
// each string (names too) and number in it.
//
// Pure, any thread. Recursive: `depth` bounds the stack, and what a nested text may cost.

#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/webhook/json_reader.h"

namespace sockhook::webhook {

// Whatever RFC 8259 allows.
struct AnyJson {
  static bool takes_string(const JsonReader::String& /*string*/) { return true; }
  static bool takes_number(std::string_view /*number*/) { return true; }
};

// False: no JSON, nested deeper than `depth`, or something that the Judge does not take.
template <typename Judge>
bool take_value(JsonReader& reader, std::size_t depth) {
  const auto take_string = [&] {
    const auto string = reader.take_string();
    return string && Judge::takes_string(*string);
  };
  switch (reader.peek()) {
    case '{':
      if (depth == 0) return false;
      reader.take('{');
      if (reader.take('}')) return true;
      do {
        if (!take_string() || !reader.take(':')) return false;
        if (!take_value<Judge>(reader, depth - 1)) return false;
      } while (reader.take(','));
      return reader.take('}');
    case '[':
      if (depth == 0) return false;
      reader.take('[');
      if (reader.take(']')) return true;
      do {
        if (!take_value<Judge>(reader, depth - 1)) return false;
      } while (reader.take(','));
      return reader.take(']');
    case '"':
      return take_string();
    case 't':
      return reader.take_word("true");
    case 'f':
      return reader.take_word("false");
    case 'n':
      return reader.take_word("null");
    default:
      const auto number = reader.take_number();
      return number && Judge::takes_number(*number);
  }
}

}  // namespace sockhook::webhook
