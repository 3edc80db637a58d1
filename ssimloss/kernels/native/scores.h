// MS-SSIM of the means t_s of its scales, and its slopes: the equations of functional/ms_ssim.py and functional/_powers.py.
//
//     product        score = prod t_s^w_s          where a power takes positive numbers only, and "negative" says what others become
//     weighted sum   score = sum w_s t_s / sum w_s

#pragma once

#include <math.h>
#include <stdint.h>

namespace ssimloss {
namespace {

constexpr int kMaxScales = 16;

enum Combination : int32_t { kProduct, kWeightedSum };
enum Negative : int32_t { kClamp, kRelu, kShift };

constexpr double kSoft = 1e-3;  // a mean below is clamped

// What takes the place of a mean under a power; what takes its place in the slopes, and its own slope.
struct Base {
  double value, mirrored, slope;
};

Base base_of(double t, int32_t negative, bool is_double) {
  const double tiny = is_double ? 2.2250738585072014e-308 : 1.1754943508222875e-38;
  if (negative == kShift) {
    const double shifted = (t + 1) / 2;
    return shifted < tiny ? Base{tiny, tiny, 0} : Base{shifted, shifted, 0.5};
  }
  if (negative == kClamp && t < kSoft) {
    // Meets the mean at the clamp with slope 1, stays positive and rises. So does the mean of the other sign, whose slope is of some use.
    const double mirrored = 2 * kSoft - t;
    return {kSoft * kSoft / mirrored, mirrored, 1};
  }
  return {t, t, 1};
}

// The score, and `slopes[s]`, its derivative with respect to each mean, or what is taken for it where means are clamped.
double score_of(const double* means, int scales, const double* weights, int32_t combination, int32_t negative, bool is_double,
                double* slopes) {
  double score = combination == kProduct ? 1 : 0, mirrored = 1, total = 0;
  for (int s = 0; s < scales; s++) total += weights[s];
  if (combination == kWeightedSum) {
    for (int s = 0; s < scales; s++) {
      score += weights[s] * means[s];
      slopes[s] = weights[s] / total;
    }
    return score / total;
  }
  Base bases[kMaxScales];
  for (int s = 0; s < scales; s++) {
    slopes[s] = 0;
    bases[s] = base_of(means[s], negative, is_double);
    if (weights[s] == 0) continue;  // no part of the product, not even where the mean is 0
    if (negative == kRelu && means[s] <= 0) {  // takes the whole product's gradient with it
      for (int k = 0; k < scales; k++) slopes[k] = 0;
      return 0;
    }
    const double power = pow(bases[s].value, weights[s]);
    score *= power;
    mirrored *= bases[s].mirrored == bases[s].value ? power : pow(bases[s].mirrored, weights[s]);
  }
  for (int s = 0; s < scales; s++)
    if (weights[s] != 0) slopes[s] = weights[s] * mirrored / bases[s].mirrored * bases[s].slope;
  return score;
}

}  // namespace
}  // namespace ssimloss
