// What a curation removed and kept, for people and machines.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "curate/curation.h"
#include "formats/reading.h"
#include "report/text_table.h"

namespace arena {

/// Counts by step, and the shards.
std::string CurationText(const CurationReport& report, const ReadReport& read,
                         const TableStyle& style);

/// The same as JSON, with the counts by source and the threshold curve.
Json CurationJson(const CurationReport& report, const ReadReport& read);

/// A whole page: counts by step and source, similarities, the threshold curve, examples beside what
/// they resemble, shards and `settings`. It needs no script and no other file, its
/// Content-Security-Policy forbids both, and all text of the data is escaped. The same report gives
/// the same bytes.
std::string CurationHtml(const CurationReport& report, const ReadReport& read,
                         std::string_view settings);

}  // namespace arena
