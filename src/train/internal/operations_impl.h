// The loops of Operations, written once; the compiler makes vectors of them. Each instruction set
// has a .cpp file with its own flags that includes this; all is in an anonymous namespace and
// nothing of the standard library is called, so that no function made for one processor is shared
// with code for another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/exp_series.h"
#include "train/operations.h"

namespace arena::train {
namespace {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(kLanes * 4)));
typedef float FloatsInMemory __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef std::int32_t Indices __attribute__((vector_size(kLanes * 4)));

// Exchanges what stands off the diagonal of all 2x2 blocks of step x step numbers.
template <int kStep>
[[gnu::always_inline]] inline void ExchangeBlocks(Floats (&rows)[kLanes]) {
  Indices low{}, high{};
  for (int j = 0; j < kLanes; ++j) {
    low[j] = (j & kStep) == 0 ? j : kLanes + j - kStep;
    high[j] = (j & kStep) == 0 ? j + kStep : kLanes + j;
  }
  for (int i = 0; i < kLanes; ++i) {
    if ((i & kStep) != 0) continue;
    const Floats a = rows[i], b = rows[i + kStep];
    rows[i] = __builtin_shuffle(a, b, low);
    rows[i + kStep] = __builtin_shuffle(a, b, high);
  }
  if constexpr (2 * kStep < kLanes) ExchangeBlocks<2 * kStep>(rows);
}

// kLanes rows and columns.
inline void TransposeBlock(const float* from, std::size_t from_stride, float* to,
                           std::size_t to_stride) {
  Floats rows[kLanes];
  for (std::size_t r = 0; r < kLanes; ++r)
    rows[r] = *reinterpret_cast<const FloatsInMemory*>(from + r * from_stride);
  ExchangeBlocks<1>(rows);
  for (std::size_t c = 0; c < kLanes; ++c)
    *reinterpret_cast<FloatsInMemory*>(to + c * to_stride) = rows[c];
}

inline void TransposeBlock(const double* from, std::size_t from_stride, double* to,
                           std::size_t to_stride) {
  for (std::size_t c = 0; c < kLanes; ++c) {
    for (std::size_t r = 0; r < kLanes; ++r) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

template <typename Scalar>
void Transpose(const Scalar* from, std::size_t from_stride, std::size_t rows, std::size_t columns,
               Scalar* to, std::size_t to_stride) {
  constexpr std::size_t kBlock = kLanes;
  for (std::size_t r = 0; r < rows; r += kBlock) {
    const std::size_t height = rows - r < kBlock ? rows - r : kBlock;
    for (std::size_t c = 0; c < columns; c += kBlock) {
      const std::size_t width = columns - c < kBlock ? columns - c : kBlock;
      const Scalar* const source = from + r * from_stride + c;
      Scalar* const target = to + c * to_stride + r;
      if (height == kBlock && width == kBlock) {
        TransposeBlock(source, from_stride, target, to_stride);
        continue;
      }
      for (std::size_t j = 0; j < width; ++j) {
        for (std::size_t i = 0; i < height; ++i)
          target[j * to_stride + i] = source[i * from_stride + j];
      }
    }
  }
}

inline double Exp(double x) { return __builtin_exp(x); }

inline float Exp(float x) { return ExpClamped<float, std::uint32_t>(x); }

inline float SquareRoot(float x) { return __builtin_sqrtf(x); }
inline double SquareRoot(double x) { return __builtin_sqrt(x); }
inline float Log(float x) { return __builtin_logf(x); }
inline double Log(double x) { return __builtin_log(x); }

template <typename Scalar>
Scalar Dot(const Scalar* x, const Scalar* y, std::size_t n) {
  Scalar sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

template <typename Scalar>
void Add(const Scalar* x, Scalar factor, std::size_t n, Scalar* y) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

template <typename Scalar>
Scalar RmsNorm(const Scalar* x, const Scalar* weight, Scalar epsilon, std::size_t n, Scalar* y) {
  const Scalar factor = Scalar(1) / SquareRoot(Dot(x, x, n) / static_cast<Scalar>(n) + epsilon);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) y[i] = x[i] * factor * weight[i];
  return factor;
}

// With z = x f: dx = f (w dy - z mean(w dy z)), dw = dy z.
template <typename Scalar>
void RmsNormBackward(const Scalar* x, const Scalar* weight, Scalar factor, const Scalar* dy,
                     std::size_t n, Scalar* dx, Scalar* dweight) {
  if (dweight != nullptr) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) dweight[i] += dy[i] * x[i] * factor;
  }
  Scalar sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < n; ++i) sum += weight[i] * dy[i] * x[i];
  const Scalar mean = sum * factor * factor / static_cast<Scalar>(n);
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) dx[i] += factor * (weight[i] * dy[i] - x[i] * mean);
}

template <typename Scalar>
void SiluMultiply(const Scalar* gate, const Scalar* up, std::size_t n, Scalar* y) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) y[i] = gate[i] / (Scalar(1) + Exp(-gate[i])) * up[i];
}

template <typename Scalar>
void SiluMultiplyBackward(const Scalar* gate, const Scalar* up, const Scalar* dy, std::size_t n,
                          Scalar* dgate, Scalar* dup) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) {
    const Scalar g = gate[i], u = up[i];
    const Scalar sigmoid = Scalar(1) / (Scalar(1) + Exp(-g));
    dup[i] = dy[i] * g * sigmoid;
    dgate[i] = dy[i] * u * sigmoid * (Scalar(1) + g * (Scalar(1) - sigmoid));
  }
}

template <typename Scalar>
void Rotate(Scalar* x, const Scalar* cosine, const Scalar* sine, std::size_t half,
            Scalar direction) {
#pragma omp simd
  for (std::size_t i = 0; i < half; ++i) {
    const Scalar first = x[i], second = x[i + half], s = sine[i] * direction;
    x[i] = first * cosine[i] - second * s;
    x[i + half] = second * cosine[i] + first * s;
  }
}

template <typename Scalar>
Scalar LogSumExp(const Scalar* x, Scalar scale, std::size_t n) {
  Scalar largest = x[0] * scale;
#pragma omp simd reduction(max : largest)
  for (std::size_t i = 0; i < n; ++i) largest = x[i] * scale > largest ? x[i] * scale : largest;
  Scalar sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < n; ++i) sum += Exp(x[i] * scale - largest);
  return largest + Log(sum);
}

template <typename Scalar>
void ExpScaled(const Scalar* x, Scalar scale, Scalar shift, std::size_t n, Scalar* y) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) y[i] = Exp(x[i] * scale - shift);
}

template <typename Scalar>
void SoftmaxBackward(const Scalar* p, Scalar delta, Scalar scale, std::size_t n, Scalar* ds) {
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) ds[i] = p[i] * (ds[i] - delta) * scale;
}

template <typename Scalar>
constexpr Operations<Scalar> MakeOperations() {
  return {.transpose = Transpose<Scalar>,
          .rms_norm = RmsNorm<Scalar>,
          .rms_norm_backward = RmsNormBackward<Scalar>,
          .silu_multiply = SiluMultiply<Scalar>,
          .silu_multiply_backward = SiluMultiplyBackward<Scalar>,
          .rotate = Rotate<Scalar>,
          .log_sum_exp = LogSumExp<Scalar>,
          .exp_scaled = ExpScaled<Scalar>,
          .softmax_backward = SoftmaxBackward<Scalar>,
          .add = Add<Scalar>,
          .dot = Dot<Scalar>};
}

}  // namespace
}  // namespace arena::train
