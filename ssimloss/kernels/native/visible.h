// SSIMULACRA 2 over its scales: one image pair after the other, in memory of the caller.

#pragma once

#include <cmath>

#include "calls.h"

namespace ssimloss {

struct VisibleCall {
  int64_t shape[4];
  Image x, y;
  int32_t scales, threads;
  double low, unit;       // of the data range: where it begins, and 1 over its span
  const double* weights;  // (scales, 3, 6): of the means of structure, ringing and blur of each plane, then of their 4-norms
  double slope;           // multiplies the gradients
  Image grad_x, grad_y;
  void* found;  // (N)
  void* room;   // of the computing type: 6 planes per scale, and 3 for each gradient
  int64_t elements;
};

namespace {

constexpr int kMostScales = 16;

class VisibleScales {
 public:
  explicit VisibleScales(const VisibleCall& call)
      : call_(call), set_(kernels()), is_double_(call.x.dtype == kFloat64 || call.y.dtype == kFloat64) {}

  bool run() {
    int64_t at = 0;
    const auto take = [&](int64_t count) {
      void* planes = ssimloss::at(call_.room, at, is_double_);
      at += count;
      return planes;
    };
    int64_t h = call_.shape[2], w = call_.shape[3];
    if (call_.scales > kMostScales) return false;
    for (int s = 0; s < call_.scales; s++) {
      Scale& scale = scales_[s];
      scale.height = h;
      scale.width = w;
      for (void*& planes : scale.planes) planes = take(3 * h * w);
      if (call_.grad_x.data) scale.gradients[0] = take(3 * h * w);
      if (call_.grad_y.data) scale.gradients[1] = take(3 * h * w);
      h = (h + 1) / 2;
      w = (w + 1) / 2;
    }
    if (at > call_.elements) return false;
    for (int64_t n = 0; n < call_.shape[0]; n++)
      if (!run(n)) return false;
    return true;
  }

 private:
  struct Scale {
    int64_t height, width;
    void *planes[2], *gradients[2];
    VisibleErrors errors;
  };

  int threads_for(const Scale& scale) const { return 3 * scale.height * scale.width < kWorthThreads ? 1 : call_.threads; }

  bool run(int64_t n) {
    double error = 0;
    for (int s = 0; s < call_.scales; s++) {
      const OpponentPlanes job = planes_of(n, s, false);
      if (!ssimloss::run(set_.to_opponent, job, is_double_, threads_for(scales_[s]))) return false;
      if (!measure(s, &error)) return false;
    }
    set_number(call_.found, n, is_double_, error);
    if (!call_.grad_x.data && !call_.grad_y.data) return true;
    for (int s = call_.scales - 1; s >= 0; s--) {
      VisibleErrors& errors = scales_[s].errors;
      errors.grad_x = scales_[s].gradients[0];
      errors.grad_y = scales_[s].gradients[1];
      if (!ssimloss::run(set_.visible_errors, errors, is_double_, threads_for(scales_[s]))) return false;
      const OpponentPlanes job = planes_of(n, s, true);
      if (!ssimloss::run(set_.from_opponent, job, is_double_, threads_for(scales_[s]))) return false;
    }
    return true;
  }

  OpponentPlanes planes_of(int64_t n, int s, bool backwards) const {
    const Scale& scale = scales_[s];
    OpponentPlanes job = {};
    job.images[0] = call_.x;
    job.images[1] = call_.y;
    job.image = n;
    job.channels = call_.shape[1];
    job.height = scale.height;
    job.width = scale.width;
    job.stored = s > 0;
    job.low = call_.low;
    job.unit = call_.unit;
    for (int which = 0; which < 2; which++) {
      job.planes[which] = scale.planes[which];
      job.gradients[which] = backwards ? scale.gradients[which] : nullptr;
      if (s + 1 < call_.scales) job.coarse[which] = backwards ? scales_[s + 1].gradients[which] : scales_[s + 1].planes[which];
    }
    job.image_gradients[0] = call_.grad_x;
    job.image_gradients[1] = call_.grad_y;
    return job;
  }

  // Adds the errors of a scale; keeps what their derivatives are multiplied by.
  bool measure(int s, double* error) {
    Scale& scale = scales_[s];
    VisibleErrors& job = scale.errors;
    job = {};
    job.x = scale.planes[0];
    job.y = scale.planes[1];
    job.height = scale.height;
    job.width = scale.width;
    const double* weights = call_.weights + s * 18;
    for (int plane = 0; plane < 3; plane++) {
      for (int k = 0; k < 6; k++) job.counts[plane] |= weights[6 * plane + k] != 0;
      job.structure[plane] = weights[6 * plane] != 0 || weights[6 * plane + 3] != 0;
    }
    const int64_t strips = set_.visible_errors_tiles(job.width) * job.height;
    row_sums_.resize(3 * strips * 9);
    job.row_sums = row_sums_.data();
    if (!ssimloss::run(set_.visible_errors, job, is_double_, threads_for(scale))) return false;
    job.row_sums = nullptr;
    const double count = (double)(job.height * job.width);
    for (int plane = 0; plane < 3; plane++)
      for (int k = 0; job.counts[plane] && k < 3; k++) {
        const double* rows = row_sums_.data() + plane * strips * 9 + 3 * k;
        double sum = 0, unit = 0, powers = 0;
        for (int64_t i = 0; i < strips; i++) {
          sum += rows[9 * i];
          // The largest value; 1 stands for that of a row of zeros.
          if (rows[9 * i + 2] != 0 && rows[9 * i + 1] > unit) unit = rows[9 * i + 1];
        }
        if (!(unit > 0)) unit = 1;
        for (int64_t i = 0; i < strips; i++) {
          const double ratio = rows[9 * i + 1] / unit;
          if (rows[9 * i + 2] != 0) powers += rows[9 * i + 2] * (ratio * ratio) * (ratio * ratio);
        }
        const double mean = powers / count, mean_weight = weights[6 * plane + k], norm_weight = weights[6 * plane + 3 + k];
        *error += mean_weight * (sum / count) + norm_weight * (unit * std::sqrt(std::sqrt(mean)));
        ErrorSlope& slope = job.slopes[plane][k];
        slope.mean = call_.slope * mean_weight / count;
        slope.norm = mean == 0 ? 0 : call_.slope * norm_weight / (count * std::pow(mean, 0.75));
        slope.unit = unit;
      }
    return true;
  }

  const VisibleCall& call_;
  const Kernels& set_;
  const bool is_double_;
  Scale scales_[kMostScales] = {};
  std::vector<double> row_sums_;
};

}  // namespace
}  // namespace ssimloss
