#include "judge/choice_letter.h"

#include <algorithm>
#include <cstddef>

#include "judge/answer_mark.h"
#include "judge/ascii.h"
#include "judge/plain_math.h"

namespace arena {
namespace {

constexpr std::string_view kMarkup = " \t\r*_`\"'$#>:=\\";
constexpr std::string_view kOpening = "([{";
constexpr std::string_view kClosing = ")]}";

bool Contains(std::string_view set, char c) {
  return c != '\0' && set.find(c) != std::string_view::npos;
}

// The different letters seen in one place.
class LetterSet {
 public:
  void Add(char letter) {
    if (letters_.find(letter) == std::string::npos) letters_ += letter;
  }
  bool empty() const { return letters_.empty(); }

  ChosenLetter Choose(std::string_view where) const {
    if (letters_.size() == 1) return {letters_[0], std::string(where)};
    std::string reason = "ambiguous: ";
    for (std::size_t i = 0; i < letters_.size(); ++i) {
      reason += (i == 0 ? "" : i + 1 == letters_.size() ? " and " : ", ");
      reason += letters_[i];
    }
    return {'\0', reason + " at " + std::string(where)};
  }

 private:
  std::string letters_;
};

class LetterFinder {
 public:
  LetterFinder(std::string_view text, std::string_view letters) : text_(text), letters_(letters) {}

  ChosenLetter Find() const {
    ChosenLetter result;
    const bool marked = VisitAnswerMarks(text_, [&](AnswerMark mark, std::string_view field) {
      if (mark == AnswerMark::kLetter) return false;
      const LetterSet found = LettersOfField(field);
      if (found.empty()) return false;
      result = found.Choose(AnswerMarkName(mark));
      return true;
    });
    if (marked) return result;
    if (const LetterSet found = LettersAtLineStarts(); !found.empty()) {
      return found.Choose("the start of a line");
    }
    if (const LetterSet found = BracketedLetters(text_); !found.empty()) {
      return found.Choose("a letter in brackets");
    }
    if (const LetterSet found = LoneCapitals(text_); !found.empty()) {
      return found.Choose("a capital standing alone");
    }
    return {'\0', "no letter found"};
  }

 private:
  // The choice at `pos` in upper case, or NUL; the letter is no part of a word.
  char LetterAt(std::string_view text, std::size_t pos) const {
    const char letter = ToUpper(CharAt(text, pos));
    if (!Contains(letters_, letter)) return '\0';
    const char next = CharAt(text, pos + 1);
    const bool in_word =
        IsWordChar(next) || next == '\'' || static_cast<unsigned char>(next) >= 0x80;
    const bool after_word = pos > 0 && (IsWordChar(text[pos - 1]) || text[pos - 1] == '\'' ||
                                        static_cast<unsigned char>(text[pos - 1]) >= 0x80);
    return in_word || after_word ? '\0' : letter;
  }

  bool IsBracketed(std::string_view text, std::size_t pos) const {
    return pos > 0 && Contains(kOpening, text[pos - 1]) &&
           Contains(kClosing, CharAt(text, pos + 1));
  }

  // "A cat", "I think": words and no choices.
  bool IsWord(std::string_view text, std::size_t pos) const {
    if (text[pos] != 'A' && text[pos] != 'I') return false;
    const bool joined = WordAt(text, pos + 2, "or") || WordAt(text, pos + 2, "and");
    if (text[pos] == 'A' && joined) return false;  // no article stands before these
    return CharAt(text, pos + 1) == ' ' && CharAt(text, pos + 2) >= 'a' &&
           CharAt(text, pos + 2) <= 'z';
  }

  std::size_t SkipMarkup(std::string_view text, std::size_t pos) const {
    while (Contains(kMarkup, CharAt(text, pos)) || Contains(kOpening, CharAt(text, pos))) ++pos;
    return pos;
  }

  LetterSet BracketedLetters(std::string_view text) const {
    LetterSet found;
    for (std::size_t pos = 1; pos < text.size(); ++pos) {
      if (!IsBracketed(text, pos)) continue;
      if (const char letter = LetterAt(text, pos)) found.Add(letter);
    }
    return found;
  }

  LetterSet LoneCapitals(std::string_view text) const {
    LetterSet found;
    for (std::size_t pos = 0; pos < text.size(); ++pos) {
      if (text[pos] == 'I' || text[pos] != ToUpper(text[pos])) continue;
      const char letter = LetterAt(text, pos);
      if (letter != '\0' && !IsWord(text, pos)) found.Add(letter);
    }
    return found;
  }

  // What follows a mark: a letter that begins the field, with any others joined to it ("B or C").
  LetterSet LettersOfField(std::string_view field) const {
    std::size_t pos = SkipMarkup(field, 0);
    for (const std::string_view word : {"option", "choice", "letter"}) {
      if (WordAt(field, pos, word)) pos = SkipMarkup(field, pos + word.size());
    }
    LetterSet found;
    const char letter = LetterAt(field, pos);
    if (letter == '\0' || !IsMarkedLetter(field, pos)) {
      const LetterSet bracketed = BracketedLetters(field);
      return bracketed.empty() ? LoneCapitals(field) : bracketed;
    }
    AddWithJoined(field, pos, found);
    return found;
  }

  bool IsMarkedLetter(std::string_view field, std::size_t pos) const {
    if (field[pos] == 'I') return !IsWord(field, pos);
    if (field[pos] == ToUpper(field[pos])) return true;
    const char next = CharAt(field, pos + 1);
    return pos + 1 == field.size() || Contains(kClosing, next) || Contains(".:,*", next);
  }

  // The place of a letter joined to the one at `pos` by "or", "and", "/", "&" or a comma; 0: none.
  std::size_t JoinedLetter(std::string_view field, std::size_t pos) const {
    ++pos;
    while (Contains(kClosing, CharAt(field, pos)) || Contains(kMarkup, CharAt(field, pos))) ++pos;
    std::size_t length = Contains(",/&+", CharAt(field, pos)) ? 1 : 0;
    if (length == 1) pos = SkipMarkup(field, pos + 1);
    for (const std::string_view word : {"or", "and"}) {
      if (!WordAt(field, pos, word)) continue;
      length = word.size();
      pos = SkipMarkup(field, pos + length);
      break;
    }
    if (length == 0) return 0;
    return LetterAt(field, pos) != '\0' && !IsWord(field, pos) ? pos : 0;
  }

  void AddWithJoined(std::string_view text, std::size_t pos, LetterSet& found) const {
    found.Add(ToUpper(text[pos]));
    while ((pos = JoinedLetter(text, pos)) != 0) found.Add(ToUpper(text[pos]));
  }

  // "B", "(b)", "b)", "B.", "B: ...", "**B**": a letter that is a line's label or the whole line.
  LetterSet LettersAtLineStarts() const {
    LetterSet found;
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::size_t newline = std::min(text_.find('\n', begin), text_.size());
      const std::string_view line = text_.substr(begin, newline - begin);
      const std::size_t pos = SkipMarkup(line, 0);
      const char letter = LetterAt(line, pos);
      if (letter != '\0' && IsLabel(line, pos)) AddWithJoined(line, pos, found);
      begin = newline + 1;
    }
    return found;
  }

  bool IsLabel(std::string_view line, std::size_t pos) const {
    if (IsBracketed(line, pos)) return true;
    std::size_t next = pos + 1;
    while (Contains("*_`\"\r ", CharAt(line, next))) ++next;
    if (next >= line.size()) return true;
    return next == pos + 1 || line[pos + 1] != ' ' ? Contains(".):,-}", line[next])
                                                   : line[next] == '-';
  }

  std::string_view text_;
  std::string_view letters_;
};

}  // namespace

ChosenLetter FindChosenLetter(std::string_view text, std::string_view letters) {
  const std::string plain = PlainMath(text);
  return LetterFinder(plain, letters).Find();
}

}  // namespace arena
