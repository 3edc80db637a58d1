// Phase congruency of images and its gradient: one image after the other, or on as many threads.

#pragma once

#include "calls.h"
#include "plan.h"

namespace ssimloss {

struct PhaseCall {
  int64_t shape[3];     // images, rows, columns
  const void* image;    // (N, H, W) of the computing type, as all but `noise` and `above`
  const void* filters;  // (4, 4, ceil(W / 16), H, 16)
  const void* factors;  // (4)
  double epsilon, tiny, least;
  void *congruency, *amplitude;  // (N, H, W)
  uint8_t* above;                // (N, H, W)
  double* noise;                 // (N, 4, 5)
  const void* upstream;          // (N, H, W), or null
  void* gradient;                // (N, H, W), or null
  int32_t lower_median, is_double, threads;
};

namespace {

class Congruency {
 public:
  explicit Congruency(const PhaseCall& call)
      : call_(call), set_(kernels()), is_double_(call.is_double != 0), along_rows_(call.shape[2], is_double_), along_columns_(call.shape[1], is_double_) {}

  bool run() {
    const int threads = call_.shape[1] * call_.shape[2] < kWorthThreads ? 1 : call_.threads;
    return over_chunks(call_.shape[0], call_.shape[0] * call_.shape[1] * call_.shape[2] < kWorthThreads ? 1 : call_.threads, true,
                       [&](int64_t from, int64_t to, int share) { return run(from, to, share < threads ? share : threads); });
  }

 private:
  bool run(int64_t from, int64_t to, int threads) const {
    PhaseCongruency job = {};
    job.height = call_.shape[1];
    job.width = call_.shape[2];
    job.along_rows = along_rows_.job();
    job.along_columns = along_columns_.job();
    job.filters = call_.filters;
    job.factors = call_.factors;
    job.lower_median = call_.lower_median != 0;
    job.epsilon = call_.epsilon;
    job.tiny = call_.tiny;
    job.least = call_.least;
    job.upstream = call_.upstream;
    const int64_t pixels = job.height * job.width;
    std::vector<double> band_sums(job.height * kPhaseOrientations);
    const std::unique_ptr<void, void (*)(void*)> memory(std::aligned_alloc(64, (set_.phase_congruency_memory(job, is_double_) + 63) / 64 * 64), std::free);
    if (!memory) return false;
    job.memory = memory.get();
    for (int64_t n = from; n < to; n++) {
      job.image = at(call_.image, n * pixels, is_double_);
      job.congruency = at(call_.congruency, n * pixels, is_double_);
      job.amplitude = at(call_.amplitude, n * pixels, is_double_);
      job.above = call_.above + n * pixels;
      job.noise = call_.noise + n * kPhaseOrientations * kPhaseNoise;
      job.upstream = at(call_.upstream, n * pixels, is_double_);
      job.gradient = at(call_.gradient, n * pixels, is_double_);
      std::fill(band_sums.begin(), band_sums.end(), 0);
      job.band_sums = band_sums.data();
      if (!(call_.gradient ? backward(job, threads) : forward(job, threads))) return false;
    }
    return true;
  }

  bool take(PhaseStep step, PhaseCongruency& job, int threads) const {
    job.step = step;
    return ssimloss::run(set_.phase_congruency, job, is_double_, threads, kKeptBytes);
  }

  bool forward(PhaseCongruency& job, int threads) const {
    if (!take(kImageRows, job, threads) || !take(kSpectrumColumns, job, threads)) return false;
    for (job.orientation = 0; job.orientation < kPhaseOrientations; job.orientation++)
      if (!take(kResponseColumns, job, threads) || !take(kEnergies, job, threads)) return false;
    return take(kNoise, job, threads) && take(kCongruency, job, threads);
  }

  bool backward(PhaseCongruency& job, int threads) const {
    if (!take(kUpstream, job, threads)) return false;
    for (int o = 0; o < kPhaseOrientations; o++) {
      job.of_energies[o] = 0;
      for (int64_t band = 0; band < job.height; band++) job.of_energies[o] += job.band_sums[band * kPhaseOrientations + o];
    }
    if (!take(kImageRows, job, threads) || !take(kSpectrumColumns, job, threads)) return false;
    for (job.orientation = 0; job.orientation < kPhaseOrientations; job.orientation++)
      if (!take(kResponseColumns, job, threads) || !take(kSlopes, job, threads) || !take(kGradientColumns, job, threads)) return false;
    return take(kSumColumns, job, threads) && take(kGradientRows, job, threads);
  }

  const PhaseCall& call_;
  const Kernels& set_;
  const bool is_double_;
  const FourierPlan along_rows_, along_columns_;
};

}  // namespace
}  // namespace ssimloss
