// Plots of a flywheel's report as SVG.
#pragma once

#include <string>

#include "flywheel/run_report.h"

namespace arena::report_internal {

/// The ratings of the stages with their intervals, connected, and the rivals as level lines.
std::string StagePlot(const FlywheelStatus& status);

/// A training's figure over its steps, with a caption; empty for fewer than two points.
std::string CurvePlot(const TrainingCurve& curve);

}  // namespace arena::report_internal
