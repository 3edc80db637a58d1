// MS-SSIM of the means t_s of its scales, and its derivatives: the equations of functional/multiscale.py.
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

// What takes the place of a mean under a power, and its derivative.
struct Base {
  double value, slope;
};

Base base_of(double t, int32_t negative, bool is_double) {
  constexpr double kSoft = 1e-3;
  const double tiny = is_double ? 2.2250738585072014e-308 : 1.1754943508222875e-38;
  if (negative == kShift) {
    const double shifted = (t + 1) / 2;
    return shifted < tiny ? Base{tiny, 0} : Base{shifted, 0.5};
  }
  if (negative == kClamp && t < kSoft) {  // meets the mean at the clamp with slope 1, stays positive and rises
    const double below = kSoft * kSoft / (2 * kSoft - t);
    return {below, below * below / (kSoft * kSoft)};
  }
  return {t, 1};
}

// The score, and `slopes[s]`, its derivative with respect to each mean.
double score_of(const double* means, int scales, const double* weights, int32_t combination, int32_t negative, bool is_double,
                double* slopes) {
  double score = combination == kProduct ? 1 : 0, total = 0;
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
    score *= pow(bases[s].value, weights[s]);
  }
  for (int s = 0; s < scales; s++)
    if (weights[s] != 0) slopes[s] = weights[s] * score / bases[s].value * bases[s].slope;
  return score;
}

}  // namespace
}  // namespace ssimloss
