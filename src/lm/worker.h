// The conversation of arena-lm with the process that started it.
#pragma once

namespace arena::lm {

/// Answers the lines from `in` on `out` until `in` ends and everything is answered. Returns the
/// exit code: 0 after the end of the input; 1 where the model cannot be used or nobody reads the
/// answers.
int RunWorker(int in, int out);

}  // namespace arena::lm
