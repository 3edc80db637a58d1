// MS-SSIM and its gradient, a few planes at a time.
//
// Of some planes, the coarser scales are made first, then compared from the coarsest to the finest, each with the gradient of its own mean.
// When all means are known, so is what each of these gradients weighs in that of the score, and they are added up, again from the coarsest
// to the finest. What backward is asked for is then one factor per score.
//
// Scale 1 is averaged from the image as it is read; the scales from 2 on are stored, and so are the gradients. Where planes are so large that
// the gradient of scale 1 is a burden, it is made last instead, at the price of comparing that scale twice, and spread over the finest.

#pragma once

#include "calls.h"
#include "scores.h"

namespace ssimloss {

struct PyramidCall {
  Pair pair;  // `part` is that of the coarsest scale; the finer ones compare contrast and structure
  int32_t scales, joint, combination, negative;  // joint: the means are those over the channels of an image
  const Halving* halvings;  // scales - 1
  const int64_t* sizes;     // height and width of each scale
  const double* weights;    // of each scale
  void* scores;             // (N, C), or (N, 1) where joint
  Image grad_x, grad_y;     // contiguous
};

namespace {

class Pyramid {
 public:
  explicit Pyramid(const PyramidCall& call) : call_(call), set_(kernels()), centres_(set_, call.pair, true) {
    const int64_t size = is_double() ? 8 : 4, group = call.joint ? channels() : 1;
    for (int s = 0; s < call.scales; s++) offsets_[s + 1] = offsets_[s] + (s ? height(s) * width(s) : 0);
    const int64_t from_2 = offsets_[call.scales] - offsets_[2];
    const auto bytes = [&](int64_t gradients) { return size * (2 * from_2 + gradients * (1 + (call.grad_y.data != nullptr))); };
    kept_ = !call.grad_x.data || group * bytes(offsets_[call.scales]) <= kStored ? 1 : 2;
    const int64_t each = call.grad_x.data ? bytes(kept_ == 1 ? offsets_[call.scales] : from_2) : bytes(0);
    chunk_ = each ? kStored / each / group * group : planes();
    // Whole images, so that the first plane of a chunk is a channel 0, or else one plane: planes of two images lie anywhere.
    const int64_t unit = chunk_ >= channels() ? channels() : group, units = planes() / unit;
    const int64_t most = chunk_ >= channels() ? chunk_ / unit : 1, chunks = (units + most - 1) / most;
    chunk_ = (units + chunks - 1) / chunks * unit;  // alike
    is_small_ = chunk_ * each <= kStored;
  }

  // False if memory was lacking.
  bool run() {
    const int64_t chunks = (planes() + chunk_ - 1) / chunk_;
    const int threads = call_.pair.threads_for(planes() * height(0) * width(0));
    return over_chunks(chunks, threads, is_small_, [&](int64_t from, int64_t to, int with) { return work(from, to, with); });
  }

 private:
  // Bytes of coarser scales and their gradients that a thread keeps at a time. Constant, so that planes are grouped alike for any number of threads.
  static constexpr int64_t kStored = 3 << 18;

  // One chunk of planes.
  struct Chunk {
    int64_t first, count;
    int threads;
    std::vector<double> &stored, &row_sums, &means, &slopes;  // the last two per scale and plane
  };

  const PyramidCall& call_;
  const Kernels& set_;
  const Centres centres_;
  int64_t offsets_[kMaxScales + 1] = {};  // of the scales from 1 on, per plane, in pixels
  int kept_;                              // the finest scale whose gradient is stored
  int64_t chunk_;                         // planes
  bool is_small_;

  int scales() const { return call_.scales; }
  int64_t planes() const { return call_.pair.planes(); }
  int64_t channels() const { return call_.pair.shape[1]; }
  int64_t height(int s) const { return call_.sizes[2 * s]; }
  int64_t width(int s) const { return call_.sizes[2 * s + 1]; }
  bool is_double() const { return call_.pair.is_double(); }
  int gradients() const { return !call_.grad_x.data ? 0 : call_.grad_y.data ? 2 : 1; }

  bool work(int64_t from, int64_t to, int threads) {
    const int64_t images = offsets_[scales()] - offsets_[2];
    const int64_t pixels = 2 * images + gradients() * (images + (kept_ == 1 ? offsets_[2] : 0));
    std::vector<double> stored(chunk_ * pixels / (is_double() ? 1 : 2) + 1), row_sums(chunk_ * height(0));
    std::vector<double> means(scales() * chunk_), slopes(scales() * chunk_);
    for (int64_t i = from; i < to; i++) {
      const int64_t first = i * chunk_, count = planes() - first < chunk_ ? planes() - first : chunk_;
      if (!work(Chunk{first, count, threads, stored, row_sums, means, slopes})) return false;
    }
    return true;
  }

  bool work(const Chunk& chunk) {
    for (int s = 2; s < scales(); s++)
      if (!halve(chunk, s)) return false;
    for (int s = scales() - 1; s >= 0; s--)
      if (!compare(chunk, s)) return false;
    combine(chunk);
    if (!gradients()) return true;
    for (int s = scales() - 1; s >= kept_; s--)
      if (!add_coarser(chunk, s)) return false;
    return kept_ == 1 ? add_coarser(chunk, 0) : compare_again(chunk);
  }

  // Where a scale of the chunk lies. Kinds 0 and 1 are the images, from scale 2 on, 2 and 3 their gradients, from scale `kept_` on.
  void* data(const Chunk& chunk, int kind, int s) const {
    const int64_t of_scale_1 = offsets_[2], images = offsets_[scales()] - of_scale_1;
    const int64_t missing = kind < 2 || kept_ == 2 ? of_scale_1 : 0, each = kind < 2 || kept_ == 2 ? images : offsets_[scales()];
    const int64_t begin = kind < 2 ? kind * images : 2 * images + (kind - 2) * each;
    return at(chunk.stored.data(), chunk_ * (begin + offsets_[s] - missing), is_double());
  }

  Image image(const Chunk& chunk, int kind, int s) const {
    const int64_t plane = height(s) * width(s);
    return Image{data(chunk, kind, s), {channels() * plane, plane, width(s), 1}, is_double() ? kFloat64 : kFloat32};
  }

  Image moved(const Image& image, const Chunk& chunk) const { return ssimloss::moved(image, chunk.first, channels()); }

  Image gradient(const Chunk& chunk, int which, int s) const {
    if (which >= gradients()) return Image{};
    return s == 0 ? moved(which ? call_.grad_y : call_.grad_x, chunk) : image(chunk, 2 + which, s);
  }

  const void* centre(const Chunk& chunk, int which) const {
    return at((const void*)(which ? centres_.y : centres_.x).data(), chunk.first, is_double());
  }

  template <class Job>
  bool pass(const Chunk& chunk, const Kernel<Job>& kernel, const Job& job, int64_t pixels) const {
    return ssimloss::run(kernel, job, is_double(), pixels < kWorthThreads ? 1 : chunk.threads);
  }

  bool halve(const Chunk& chunk, int s) const {
    Coarser job = {};
    for (int which = 0; which < 2; which++) {
      job.images[which] = s == 2 ? moved(which ? call_.pair.y : call_.pair.x, chunk) : image(chunk, which, s - 1);
      job.centres[which] = centre(chunk, which);
      job.out[which] = data(chunk, which, s);
    }
    job.planes = chunk.count;
    job.channels = channels();
    job.stored = s > 2;
    job.low = call_.pair.low;
    job.first = s == 2 ? call_.halvings : nullptr;
    job.last = call_.halvings[s - 1];
    job.height = height(s);
    job.width = width(s);
    return pass(chunk, set_.coarser, job, chunk.count * height(s) * width(s) * 16);
  }

  Similarity job_of(const Chunk& chunk, int s) const {
    Similarity job = similarity_of(call_.pair, centres_);
    job.planes = chunk.count;
    job.height = height(s);
    job.width = width(s);
    job.part = s == scales() - 1 ? call_.pair.part : (int32_t)kContrastStructure;
    job.x = s < 2 ? moved(call_.pair.x, chunk) : image(chunk, 0, s);
    job.y = s < 2 ? moved(call_.pair.y, chunk) : image(chunk, 1, s);
    job.centre_x = centre(chunk, 0);
    job.centre_y = centre(chunk, 1);
    job.stored = s >= 2;
    job.halving = s == 1 ? call_.halvings : nullptr;
    job.scale = 1 / ((double)map_h(job) * (double)map_w(job));
    return job;
  }

  bool compare(const Chunk& chunk, const Similarity& job) const {
    return pass(chunk, set_.similarity, job, job.planes * job.height * job.width);
  }

  // The means of a scale and the gradient of each.
  bool compare(const Chunk& chunk, int s) const {
    Similarity job = job_of(chunk, s);
    job.row_sums = chunk.row_sums.data();
    if (s == 0 || s >= kept_) {
      job.grad_x = gradient(chunk, 0, s);
      job.grad_y = gradient(chunk, 1, s);
    }
    if (!compare(chunk, job)) return false;
    for (int64_t p = 0; p < chunk.count; p++)
      chunk.means[p * scales() + s] = job.scale * sum_of(chunk.row_sums.data() + p * map_h(job), map_h(job));
    return true;
  }

  // The scores, and what the gradient of each mean weighs in theirs: (scales, planes).
  void combine(const Chunk& chunk) const {
    const int64_t group = call_.joint ? channels() : 1;
    double means[kMaxScales], slopes[kMaxScales];
    for (int64_t p = 0; p < chunk.count; p += group) {
      for (int s = 0; s < scales(); s++) {
        means[s] = 0;
        for (int64_t c = 0; c < group; c++) means[s] += chunk.means[(p + c) * scales() + s] / (double)group;
      }
      const double score = score_of(means, scales(), call_.weights, call_.combination, call_.negative, is_double(), slopes);
      set_number(call_.scores, (chunk.first + p) / group, is_double(), score);
      for (int s = 0; s < scales(); s++)
        for (int64_t c = 0; c < group; c++) chunk.slopes[s * chunk.count + p + c] = slopes[s] / (double)group;
    }
  }

  // The gradient of a scale, weighed, plus what the next coarser one adds.
  bool add_coarser(const Chunk& chunk, int s) const {
    for (int which = 0; which < gradients(); which++) {
      Spread job = {};
      job.gradient = gradient(chunk, which, s);
      job.planes = chunk.count;
      job.channels = channels();
      job.height = height(s);
      job.width = width(s);
      job.keep = chunk.slopes.data() + s * chunk.count;
      if (s + 1 < scales()) {
        job.coarse = data(chunk, 2 + which, s + 1);
        job.coarse_h = height(s + 1);
        job.coarse_w = width(s + 1);
        job.to_coarse = call_.halvings[s];
      }
      if (!pass(chunk, set_.spread, job, chunk.count * height(s) * width(s))) return false;
    }
    return true;
  }

  // The gradient of scale 1, spread over the finest as it is made.
  bool compare_again(const Chunk& chunk) const {
    Similarity job = job_of(chunk, 1);
    job.grad_x = gradient(chunk, 0, 0);
    job.grad_y = gradient(chunk, 1, 0);
    job.plane_scale = chunk.slopes.data() + chunk.count;
    job.fine_scale = chunk.slopes.data();
    if (scales() > 2) {
      job.coarse_x = data(chunk, 2, 2);
      job.coarse_y = gradients() > 1 ? data(chunk, 3, 2) : nullptr;
      job.coarse_h = height(2);
      job.coarse_w = width(2);
      job.to_coarse = call_.halvings[1];
    }
    return compare(chunk, job);
  }
};

}  // namespace
}  // namespace ssimloss
