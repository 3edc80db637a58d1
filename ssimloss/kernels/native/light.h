// sRGB and linear light (IEC 61966-2-1).

#pragma once

#include "functions.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

constexpr double kKnee = 0.04045, kOffset = 0.055;  // linear up to the knee

// sRGB on a scale that begins at `low`, to linear light.
template <class T>
__attribute__((noinline)) void light_row(const T* __restrict encoded, T low, T unit, int64_t count, T* __restrict light) {
  for (int64_t j = 0; j < count; j++) {
    const T value = (encoded[j] - low) * unit, above = value < T(kKnee) ? T(kKnee) : value, v = (above + T(kOffset)) * T(1 / 1.055);
    const T power = v * v * two_fifths_of(v);
    light[j] = value <= T(kKnee) ? value * T(1 / 12.92) : power;
  }
}

// The gradient of linear light to that of the encoded image, times `unit`.
template <class T>
__attribute__((noinline)) void encoded_row(const T* __restrict encoded, T low, T unit, int64_t count, T* __restrict gradient) {
  for (int64_t j = 0; j < count; j++) {
    const T value = (encoded[j] - low) * unit, above = value < T(kKnee) ? T(kKnee) : value, v = (above + T(kOffset)) * T(1 / 1.055);
    const T slope = T(2.4 / 1.055) * v * two_fifths_of(v);
    gradient[j] *= unit * (value <= T(kKnee) ? T(1 / 12.92) : slope);
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
