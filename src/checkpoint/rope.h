// Rotary position embeddings: the frequencies of every kind of scaling.
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/config.h"

namespace arena {

/// The head_dim / 2 angles per position, in radians, of a sequence of `sequence_length` tokens.
/// Dimension i turns with dimension i + head_dim / 2 (the half-split layout of Hugging Face).
///
///   plain    theta^(-2i/d)
///   linear   plain / factor
///   dynamic  plain with theta * (factor*n/m - (factor-1))^(d/(d-2)), n the longer of the sequence
///            and the context m; depends on the length only beyond m
///   yarn     plain / factor for slow dimensions, plain for fast ones, a ramp between (Peng et al.
///            2023, equation 23)
///   llama3   as Llama 3.1: by wavelength, with a smooth step between low_freq_factor and
///            high_freq_factor
///
/// Only kDynamic looks at `sequence_length`. Computed in double. Thread-safe.
std::vector<float> RopeInverseFrequencies(const ModelConfig& config, std::int64_t sequence_length);

/// What both cosine and sine are multiplied with: yarn's attention factor, 1 for other kinds.
float RopeAttentionScale(const ModelConfig& config);

}  // namespace arena
