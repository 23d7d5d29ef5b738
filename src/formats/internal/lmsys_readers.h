// The LMSYS reader of CSV, apart from the one of JSON.
#pragma once

#include "base/result.h"
#include "formats/csv.h"
#include "formats/internal/lmsys_columns.h"
#include "formats/internal/verdict_readers.h"

namespace arena {

Status ReadLmsysCsv(ByteWindow window, const CsvOptions& csv, const LmsysColumns& columns,
                    RowLog& log, BattleSink sink);

}  // namespace arena
