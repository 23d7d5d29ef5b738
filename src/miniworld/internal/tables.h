// The mini world's fixed knowledge.
#pragma once

#include <array>
#include <string_view>

namespace arena::mini::internal {

inline constexpr std::array<std::string_view, 24> kNouns = {
    "dog",  "cat",   "bird",  "fish",   "horse", "cow",   "tree",   "house",
    "car",  "boat",  "stone", "river",  "apple", "bread", "chair",  "table",
    "lamp", "clock", "book",  "letter", "hat",   "shoe",  "garden", "window"};

inline constexpr std::array<std::string_view, 7> kDays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

struct Fact {
  std::string_view country;
  std::string_view capital;
};
inline constexpr std::array<Fact, 30> kFacts = {{
    {"France", "Paris"},       {"Germany", "Berlin"},   {"Italy", "Rome"},
    {"Spain", "Madrid"},       {"Portugal", "Lisbon"},  {"Austria", "Vienna"},
    {"Poland", "Warsaw"},      {"Hungary", "Budapest"}, {"Greece", "Athens"},
    {"Turkey", "Ankara"},      {"Egypt", "Cairo"},      {"Kenya", "Nairobi"},
    {"Japan", "Tokyo"},        {"China", "Beijing"},    {"Thailand", "Bangkok"},
    {"Vietnam", "Hanoi"},      {"Russia", "Moscow"},    {"Ukraine", "Kyiv"},
    {"Norway", "Oslo"},        {"Sweden", "Stockholm"}, {"Finland", "Helsinki"},
    {"Denmark", "Copenhagen"}, {"Ireland", "Dublin"},   {"Canada", "Ottawa"},
    {"Cuba", "Havana"},        {"Peru", "Lima"},        {"Chile", "Santiago"},
    {"Iran", "Tehran"},        {"Iraq", "Baghdad"},     {"Ghana", "Accra"},
}};

/// `count` of the first unit is count * factor of the second.
struct Conversion {
  std::string_view from;
  std::string_view to;
  int factor;
};
inline constexpr std::array<Conversion, 9> kConversions = {{{"weeks", "days", 7},
                                                            {"days", "hours", 24},
                                                            {"hours", "minutes", 60},
                                                            {"minutes", "seconds", 60},
                                                            {"years", "months", 12},
                                                            {"feet", "inches", 12},
                                                            {"yards", "feet", 3},
                                                            {"meters", "centimeters", 100},
                                                            {"kilograms", "grams", 1000}}};

/// Position `i` of a list; the last stands for the last word, however many there are.
inline constexpr std::array<std::string_view, 5> kOrdinals = {"first", "second", "third", "fourth",
                                                              "last"};
inline constexpr std::array<std::string_view, 2> kSizes = {"larger", "smaller"};
inline constexpr std::array<std::string_view, 2> kDirections = {"after", "before"};
inline constexpr std::array<std::string_view, 2> kOperations = {"uppercase", "reverse"};
inline constexpr std::array<std::string_view, 2> kManners = {"briefly", "politely"};

struct Separator {
  std::string_view name;
  std::string_view text;
};
inline constexpr std::array<Separator, 3> kSeparators = {
    {{"commas", ", "}, {"dashes", "-"}, {"spaces", " "}}};

/// How to greet in a manner.
struct Greeting {
  std::string_view manner;
  std::string_view word;
};
inline constexpr std::array<Greeting, 3> kGreetings = {
    {{"briefly", "hi"}, {"warmly", "hello"}, {"politely", "dear"}}};

}  // namespace arena::mini::internal
