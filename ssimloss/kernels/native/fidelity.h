// VIF and the additive distortion measure of planes over their four scales, and their gradients.
//
// Sums come back, not values: a caller makes ratios of them, and comes again with what each sum is to be multiplied by for the gradient.
// A few planes at a time, so that their coarser scales stay small; how many does not depend on the threads.

#pragma once

#include "calls.h"

namespace ssimloss {

// Planes (M, 1, H, W): pair.x is distorted, pair.y its reference. pair.window holds the windows of the scales, one after the other.
struct ScalesCall {
  Pair pair;
  double limit;
  // ADM: the weights of the bands of each scale, (4, 3), and the cosine. VIF in the pixel domain: its constants. VMAF's VIF: null.
  const double* numbers;
  double* sums;            // (M, 4, sums), or null
  const double* upstream;  // the same, or null: what the derivatives of each sum are multiplied by
  Image grad_x, grad_y;    // receive the gradient where there is an upstream one; that of x at least
};

namespace {

constexpr int kFeatureScales = 4;

// What both measures share: planes in chunks, and working memory for their coarser scales.
class Scales {
 public:
  Scales(const ScalesCall& call, int sums) : call_(call), set_(kernels()), centres_(set_, call.pair, false), count_(sums) {}

 protected:
  static constexpr int64_t kStored = 1 << 22;  // bytes of coarser scales at a time

  const ScalesCall& call_;
  const Kernels& set_;
  const Centres centres_;
  const int count_;  // sums of each scale
  int64_t height_[kFeatureScales + 1], width_[kFeatureScales + 1], offset_[kFeatureScales + 2] = {};
  int64_t first_ = 0, planes_ = 0;   // of the chunk
  std::vector<double> stored_, row_sums_, upstream_;

  bool is_double() const { return call_.pair.is_double(); }
  int images() const { return !call_.upstream ? 0 : call_.grad_y.data ? 2 : 1; }  // whose gradient is wanted

  // Scales 1 to `last` are stored, each of the sizes set before, and their gradients.
  template <class Work>
  bool run(int last, Work work) {
    for (int s = 1; s <= last; s++) offset_[s + 1] = offset_[s] + height_[s] * width_[s];
    offset_[0] = offset_[last + 1];  // pixels of a plane
    const int64_t all = call_.pair.planes(), each = (2 + images()) * offset_[0] * (is_double() ? 8 : 4);
    const int64_t chunk = each < kStored ? kStored / each : 1;
    const int64_t most = chunk < all ? chunk : all;
    stored_.resize((2 + images()) * most * offset_[0] / (is_double() ? 1 : 2) + 1);
    row_sums_.resize(most * height_[0] * count_);
    upstream_.resize(most * count_);
    for (first_ = 0; first_ < all; first_ += chunk) {
      planes_ = all - first_ < chunk ? all - first_ : chunk;
      if (!work()) return false;
    }
    return true;
  }

  // Kinds 0 and 1 are x and y, 2 and 3 their gradients.
  void* data(int kind, int s) const {
    return at((void*)stored_.data(), planes_ * (kind * offset_[0] + offset_[s]), is_double());
  }

  Image image(int kind, int s) const {
    if (s == 0) return moved(kind == 0 ? call_.pair.x : kind == 1 ? call_.pair.y : kind == 2 ? call_.grad_x : call_.grad_y);
    const int64_t plane = height_[s] * width_[s];
    return Image{data(kind, s), {plane, plane, width_[s], 1}, is_double() ? kFloat64 : kFloat32};
  }

  Image gradient(int which, int s) const { return which < images() ? image(2 + which, s) : Image{}; }

  Image moved(const Image& image) const { return ssimloss::moved(image, first_, 1); }

  const void* centre(int which) const { return at((const void*)(which ? centres_.y : centres_.x).data(), first_, is_double()); }

  template <class Job>
  bool pass(const Kernel<Job>& kernel, const Job& job, int64_t pixels) const {
    return ssimloss::run(kernel, job, is_double(), call_.pair.threads_for(pixels));
  }

  // The sums of a scale from those of its rows.
  void add_up(int s, int64_t rows) {
    if (!call_.sums) return;
    for (int64_t p = 0; p < planes_; p++)
      for (int k = 0; k < count_; k++) {
        double sum = 0;
        for (int64_t row = 0; row < rows; row++) sum += row_sums_[(p * rows + row) * count_ + k];
        call_.sums[((first_ + p) * kFeatureScales + s) * count_ + k] = sum;
      }
  }

  // What the sums of a scale are multiplied by, (planes, sums); null where none are.
  const double* upstream(int s) {
    if (!call_.upstream) return nullptr;
    for (int64_t p = 0; p < planes_; p++)
      for (int k = 0; k < count_; k++) upstream_[p * count_ + k] = call_.upstream[((first_ + p) * kFeatureScales + s) * count_ + k];
    return upstream_.data();
  }
};

// With a border of kReflect an odd last row or column has no coarser one, as in VMAF. With kValid windows are whole, and what they leave of an
// odd number has one more.
class InformationScales : Scales {
 public:
  explicit InformationScales(const ScalesCall& call) : Scales(call, 2) {
    height_[0] = call.pair.shape[2];
    width_[0] = call.pair.shape[3];
    for (int s = 0; s < kFeatureScales; s++) {
      windows_[s + 1] = windows_[s] + taps(s);
      if (s == 0) continue;
      height_[s] = is_whole() ? (height_[s - 1] - taps(s) + 2) / 2 : height_[s - 1] / 2;
      width_[s] = is_whole() ? (width_[s - 1] - taps(s) + 2) / 2 : width_[s - 1] / 2;
    }
  }

  // False if memory was lacking.
  bool run() {
    return Scales::run(kFeatureScales - 1, [&] {
      for (int s = 1; s < kFeatureScales; s++)
        if (!decimate(s)) return false;
      for (int s = 0; s < kFeatureScales; s++)
        if (!compare(s)) return false;
      for (int s = kFeatureScales - 1; s > 0; s--)
        for (int which = 0; which < images(); which++)
          if (!undecimate(s, which)) return false;
      return true;
    });
  }

 private:
  int64_t windows_[kFeatureScales + 1] = {};

  static int taps(int s) { return (1 << (kFeatureScales - s)) + 1; }
  const double* window(int s) const { return call_.pair.window + windows_[s]; }
  bool is_whole() const { return call_.pair.border == kValid; }
  int pad(int s) const { return is_whole() ? 0 : taps(s) / 2; }

  bool decimate(int s) const {
    Decimation job = {};
    for (int which = 0; which < 2; which++) {
      job.images[which] = image(which, s - 1);
      job.centres[which] = centre(which);
      job.out[which] = data(which, s);
    }
    job.planes = planes_;
    job.height = height_[s - 1];
    job.width = width_[s - 1];
    job.out_height = height_[s];
    job.out_width = width_[s];
    job.stored = s > 1;
    job.window = window(s);
    job.taps = taps(s);
    job.pad = pad(s);
    return pass(set_.decimate, job, planes_ * job.height * job.width);
  }

  bool compare(int s) {
    Similarity job = similarity_of(call_.pair, centres_);
    job.formula = Formula::kInformation;
    job.planes = planes_;
    job.channels = 1;
    job.height = height_[s];
    job.width = width_[s];
    job.x = image(0, s);
    job.y = image(1, s);
    job.centre_x = centre(0);
    job.centre_y = centre(1);
    job.stored = s > 0;
    job.window = window(s);
    job.taps = taps(s);
    job.pad = pad(s);
    job.limit = call_.limit;
    job.constants = call_.numbers;
    job.sum_scales = upstream(s);
    job.row_sums = row_sums_.data();
    job.grad_x = gradient(0, s);
    job.grad_y = gradient(1, s);
    if (!pass(set_.similarity, job, planes_ * job.height * job.width)) return false;
    add_up(s, map_h(job));
    return true;
  }

  bool undecimate(int s, int which) const {
    Undecimation job = {};
    job.gradient = gradient(which, s - 1);
    job.planes = planes_;
    job.channels = 1;
    job.height = height_[s - 1];
    job.width = width_[s - 1];
    job.out_height = height_[s];
    job.out_width = width_[s];
    job.window = window(s);
    job.taps = taps(s);
    job.pad = pad(s);
    job.coarse = data(2 + which, s);
    return pass(set_.undecimate, job, planes_ * job.height * job.width);
  }
};

class DetailScales : Scales {
 public:
  explicit DetailScales(const ScalesCall& call) : Scales(call, 6) {
    height_[0] = call.pair.shape[2];
    width_[0] = call.pair.shape[3];
    for (int s = 0; s < kFeatureScales; s++) {
      height_[s + 1] = (height_[s] + 1) / 2;
      width_[s + 1] = (width_[s] + 1) / 2;
    }
  }

  // False if memory was lacking.
  bool run() {
    return Scales::run(kFeatureScales - 1, [&] {
      const int last = call_.upstream ? kFeatureScales - 1 : kFeatureScales;  // whose sums nobody asks for
      for (int s = 0; s < last; s++)
        if (!compare(s)) return false;
      for (int s = kFeatureScales - 1; call_.upstream && s >= 0; s--)
        if (!differentiate(s)) return false;
      return true;
    });
  }

 private:
  Detail job_of(int s) const {
    Detail job = {};
    job.x = image(0, s);
    job.y = image(1, s);
    job.planes = planes_;
    job.height = height_[s];
    job.width = width_[s];
    job.centres[0] = centre(0);
    job.centres[1] = centre(1);
    job.stored = s > 0;
    job.limit = call_.limit;
    job.cosine = call_.numbers[3 * kFeatureScales];
    for (int b = 0; b < 3; b++) job.weights[b] = call_.numbers[3 * s + b];
    return job;
  }

  bool compare(int s) {
    Detail job = job_of(s);
    if (s + 1 < kFeatureScales) {
      job.coarse_x = data(0, s + 1);
      job.coarse_y = data(1, s + 1);
    }
    job.row_sums = row_sums_.data();
    if (!pass(set_.detail, job, planes_ * job.height * job.width)) return false;
    add_up(s, height_[s + 1]);
    return true;
  }

  bool differentiate(int s) {
    Detail job = job_of(s);
    job.upstream = upstream(s);
    job.grad_x = gradient(0, s);
    job.grad_y = gradient(1, s);
    if (s + 1 < kFeatureScales) {
      job.of_coarse_x = data(2, s + 1);
      job.of_coarse_y = images() > 1 ? data(3, s + 1) : nullptr;
    }
    return pass(set_.detail, job, planes_ * job.height * job.width);
  }
};

}  // namespace
}  // namespace ssimloss
