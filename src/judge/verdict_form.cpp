#include "judge/verdict_form.h"

namespace arena {

std::string_view VerdictFormName(VerdictForm form) {
  switch (form) {
    case VerdictForm::kPairScores:
      return "pair-scores";
    case VerdictForm::kPairVerdict:
      return "pair-verdict";
    case VerdictForm::kPairGrades:
      return "pair-grades";
    case VerdictForm::kSingleScore:
      return "single-score";
  }
  return "";
}

std::optional<VerdictForm> ParseVerdictForm(std::string_view name) {
  for (const VerdictForm form : {VerdictForm::kPairScores, VerdictForm::kPairVerdict,
                                 VerdictForm::kPairGrades, VerdictForm::kSingleScore}) {
    if (VerdictFormName(form) == name) return form;
  }
  return std::nullopt;
}

}  // namespace arena
