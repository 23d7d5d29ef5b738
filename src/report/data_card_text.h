// Data cards for people.
#pragma once

#include <string>

#include "flywheel/data_card.h"

namespace arena {

/// The card as GitHub-flavoured Markdown. Names cannot become markup.
std::string DataCardMarkdown(const DataCard& card);

}  // namespace arena
