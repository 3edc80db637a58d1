// DSS of one image of a batch after the other, as its distance from 1, and its gradient.

#pragma once

#include "calls.h"

namespace ssimloss {

struct SubbandCall {
  int64_t shape[4];
  Image x, y;
  const double *weights, *window, *channel_weights;  // (8, 8), of the frequencies, 0 of those left out; (3); (C)
  double low, span;                                  // of the data range
  double c_mean, c_detail, still;
  int64_t worst;  // positions that count
  double slope;   // multiplies the gradients
  Image grad_x, grad_y;
  void* errors;  // (N)
  void* room;    // `elements` of the computing type
  int64_t elements, threads;
};

namespace {

class SubbandErrors {
 public:
  explicit SubbandErrors(const SubbandCall& call)
      : call_(call), set_(kernels()), is_double_(call.x.dtype == kFloat64 || call.y.dtype == kFloat64) {}

  bool run() {
    const int64_t channels = call_.shape[1], worst = call_.worst;
    std::vector<int32_t> kept;
    std::vector<double> factors;
    for (int32_t k = 0; k < 64; k++)
      if (call_.weights[k] != 0) {
        kept.push_back(k);
        factors.push_back(call_.weights[k] * call_.slope / (double)worst);
      }
    std::vector<double> losses(kept.size() + 1);
    Subbands job = {};
    job.x = call_.x;
    job.y = call_.y;
    job.channels = channels;
    job.height = call_.shape[2];
    job.width = call_.shape[3];
    job.channel_weights = call_.channel_weights;
    job.kept = kept.data();
    job.frequencies = (int64_t)kept.size();
    job.window = call_.window;
    job.c_mean = call_.c_mean;
    job.c_detail = call_.c_detail;
    job.still = call_.still;
    job.worst = worst;
    job.factors = factors.data();
    job.subbands = call_.room;
    job.losses = losses.data();
    job.grad_x = call_.grad_x;
    job.grad_y = call_.grad_y;
    if (kept.empty() || kept[0] || set_.subband_elements(job, is_double_) > call_.elements) return false;
    const Centres centres = centres_of();
    for (job.image = 0; job.image < call_.shape[0]; job.image++) {
      for (int which = 0; which < 2; which++) {
        const std::vector<double>& of = which ? centres.y : centres.x;
        job.centres[which] = at((const void*)of.data(), job.image * channels, is_double_);
        double luma = 0;
        for (int64_t c = 0; c < channels; c++)
          luma += call_.channel_weights[c] * (Centres::number(of, job.image * channels + c, is_double_) - call_.low);
        job.beyond[which] = -8 * luma;
      }
      if (!step(job, kToSubbands) || !step(job, kCompareSubbands)) return false;
      if ((job.grad_x.data || job.grad_y.data) && !step(job, kFromSubbands)) return false;
      const double contrast = losses[0], structure = losses[kept.size()];
      double error = call_.weights[0] * (contrast + structure - contrast * structure);
      for (size_t k = 1; k < kept.size(); k++) error += call_.weights[kept[k]] * losses[k];
      set_number(call_.errors, job.image, is_double_, error);
    }
    return true;
  }

 private:
  // Of pixels; the same of both images unless they are farther apart than the data range.
  Centres centres_of() const {
    Pair pair = {};
    for (int i = 0; i < 4; i++) pair.shape[i] = call_.shape[i];
    pair.x = call_.x;
    pair.y = call_.y;
    pair.border = kValid;
    pair.threads = (int32_t)call_.threads;
    Centres centres(set_, pair, false);
    centres.join(call_.span * call_.span, is_double_);
    return centres;
  }

  bool step(Subbands& job, SubbandStep step) const {
    job.step = step;
    const int threads = job.height * job.width < kWorthThreads ? 1 : (int)call_.threads;
    return ssimloss::run(set_.subbands, job, is_double_, threads, kKeptBytes);
  }

  const SubbandCall& call_;
  const Kernels& set_;
  const bool is_double_;
};

}  // namespace
}  // namespace ssimloss
