// Mathematics in Unicode and LaTeX as plain ASCII, so that one scanner reads them all.
#pragma once

#include <string>
#include <string_view>

namespace arena {

/// Rewrites what changes how a number or a mark reads, and leaves the rest as it is: digits of
/// every script, full-width forms, minus signs and dashes, vulgar fractions, currency signs (as
/// `$`), no-break and LaTeX spaces (as `'` between the groups of a number), `\frac{3}{4}` (as
/// `3/4`),
/// `\times`, `\text{...}`, `\$`, `\%`. `\boxed` stays. Linear in time and space; any bytes may
/// come.
std::string PlainMath(std::string_view text);

}  // namespace arena
