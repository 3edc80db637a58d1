// Sums over the positions of a plane of measures of local moments, and their gradients: what has no mean of its own in library.cpp.
//
// Some are an equation of stream.h, also under a mask. Others are a product of equations that have windows or images of their own: their maps
// are made first, multiplied, and what each factor's derivatives weigh comes back as the upstream gradient of its map. A few planes at a
// time, so that the maps stay small; how many does not depend on the threads, nor does any result on the company of a plane.

#pragma once

#include "calls.h"

namespace ssimloss {

enum Measured : int32_t {
  kSimilarity,        // SSIM
  kStructure,         // r*
  kEdgeSimilarity,    // luminance of the images, contrast and structure of the magnitudes of their gradients
  kScalesAndDistance  // weight * (1 - the product of contrast and structure under each window, times the luminance under the last)
                      // + distance_weight * the mean distance under the window after those
};

struct MomentsCall {
  Pair pair;  // window: one, or several one after the other; taps: of the one, or of the last
  Image mask;  // weights of the pixels, or null
  int32_t measured, scales;
  const int64_t* lengths;  // of the windows of the scales
  double weight, distance_weight;
  double slope;  // multiplies the gradients
  Image grad_x, grad_y;
  void* sums;  // (2, N, C): of the values times their weight, and of the weights
};

namespace {

// One equation of stream.h.
bool sum_moments(const MomentsCall& call) {
  const Kernels& set = kernels();
  const Pair& pair = call.pair;
  Centres centres(set, pair, call.measured != kStructure, call.mask);
  // Less than about a tenth of the range apart they become one, and the images differ by exactly 0 where they are equal.
  if (call.measured == kStructure) centres.join(10 * pair.c2, pair.is_double());
  Similarity job = similarity_of(pair, centres);
  job.formula = call.measured == kStructure ? Formula::kCorrelation : Formula::kStructural;
  job.mask = call.mask;
  job.scale = call.slope;
  job.grad_x = call.grad_x;
  job.grad_y = call.grad_y;
  const int64_t rows = map_h(job), sums = call.mask.data ? 2 : 1;
  std::vector<double> row_sums(sums * job.planes * rows);
  job.row_sums = row_sums.data();
  const int threads = pair.threads_for(job.planes * job.height * job.width);
  if (!run(set.similarity, job, pair.is_double(), threads)) return false;
  for (int64_t p = 0; p < job.planes; p++) {
    double totals[2] = {0, call.mask.data ? 0 : (double)rows * (double)map_w(job)};
    for (int64_t row = 0; row < rows; row++)
      for (int64_t k = 0; k < sums; k++) totals[k] += row_sums[(p * rows + row) * sums + k];
    for (int64_t k = 0; k < 2; k++) set_number(call.sums, k * job.planes + p, pair.is_double(), totals[k]);
  }
  return true;
}

// A product of equations.
class Factors {
 public:
  explicit Factors(const MomentsCall& call)
      : call_(call), set_(kernels()), centres_(set_, call.pair, true), zeros_(call.pair.planes()), edges_(call.measured == kEdgeSimilarity) {
    const Similarity job = similarity_of(call.pair, centres_);
    rows_ = map_h(job);
    columns_ = map_w(job);
    const int64_t size = call.pair.is_double() ? 8 : 4;
    const int64_t each = size * (factors() * rows_ * columns_ + (edges_ ? (2 + gradients()) * pixels() : 0)), most = kStored / each;
    // Whole images, so that the first plane is a channel 0, or else one plane.
    chunk_ = most < channels() ? 1 : most / channels() * channels();
    is_small_ = chunk_ * each <= 4 * kStored;
  }

  // False if memory was lacking.
  bool run() {
    const int64_t planes = call_.pair.planes(), chunks = (planes + chunk_ - 1) / chunk_;
    return over_chunks(chunks, call_.pair.threads_for(planes * pixels()), is_small_, [&](int64_t from, int64_t to, int threads) {
      const int64_t each = chunk_ < planes ? chunk_ : planes, half = call_.pair.is_double() ? 1 : 2;
      std::vector<double> maps(factors() * each * rows_ * columns_ / half + 1), images(edges_ ? (2 + gradients()) * each * pixels() / half + 1 : 0);
      std::vector<double> row_sums(each * rows_), distances(edges_ ? 0 : each * rows_);
      for (int64_t i = from; i < to; i++) {
        const int64_t first = i * chunk_, count = planes - first < chunk_ ? planes - first : chunk_;
        const Chunk chunk = {first, count, threads, maps.data(), images.data(), row_sums.data(), distances.data()};
        if (!(edges_ ? compare_edges(chunk) : compare_scales(chunk))) return false;
      }
      return true;
    });
  }

 private:
  static constexpr int64_t kStored = 3 << 18;  // bytes of maps at a time

  struct Chunk {
    int64_t first, count;
    int threads;
    double *maps, *images, *row_sums, *distances;  // maps and images are of the computing type
  };

  const MomentsCall& call_;
  const Kernels& set_;
  const Centres centres_;
  const std::vector<double> zeros_;  // centres of images that stay as they are
  const bool edges_;
  int64_t rows_, columns_;  // of the maps
  int64_t chunk_;           // planes
  bool is_small_;

  int64_t channels() const { return call_.pair.shape[1]; }
  int64_t pixels() const { return call_.pair.shape[2] * call_.pair.shape[3]; }
  bool is_double() const { return call_.pair.is_double(); }
  int64_t factors() const { return edges_ ? 2 : call_.scales; }
  int gradients() const { return !call_.grad_x.data ? 0 : call_.grad_y.data ? 2 : 1; }

  template <class Job>
  bool pass(const Chunk& chunk, const Kernel<Job>& kernel, const Job& job) const {
    return ssimloss::run(kernel, job, is_double(), chunk.count * pixels() < kWorthThreads ? 1 : chunk.threads);
  }

  // Plane k of `count` that lie one after the other.
  Image stored(double* memory, int64_t k, const Chunk& chunk, int64_t height, int64_t width) const {
    const int64_t plane = height * width;
    return Image{at((void*)memory, k * chunk.count * plane, is_double()), {channels() * plane, plane, width, 1}, is_double() ? kFloat64 : kFloat32};
  }
  Image map(const Chunk& chunk, int64_t factor) const { return stored(chunk.maps, factor, chunk, rows_, columns_); }

  Similarity job_of(const Chunk& chunk) const {
    Similarity job = similarity_of(call_.pair, centres_);
    job.alike = chunk_ > 1;  // one plane at a time has no company
    job.planes = chunk.count;
    job.x = moved(call_.pair.x, chunk.first, channels());
    job.y = moved(call_.pair.y, chunk.first, channels());
    job.centre_x = at((const void*)centres_.x.data(), chunk.first, is_double());
    job.centre_y = at((const void*)centres_.y.data(), chunk.first, is_double());
    return job;
  }

  Image gradient(const Chunk& chunk, int which) const { return moved(which ? call_.grad_y : call_.grad_x, chunk.first, channels()); }

  bool compare(const Chunk& chunk, const Similarity& job) const { return pass(chunk, set_.similarity, job); }

  // The map of a factor, or with gradients in the job, those of its derivatives under the map that has come in its place.
  bool compare(const Chunk& chunk, Similarity job, int64_t factor) const {
    (job.grad_x.data ? job.upstream : job.map) = map(chunk, factor);
    return compare(chunk, job);
  }

  bool multiply(const Chunk& chunk, double scale) const {
    Product job = {};
    job.maps = chunk.maps;
    job.factors = factors();
    job.planes = chunk.count;
    job.height = rows_;
    job.width = columns_;
    job.complement = !edges_;
    job.scale = scale;
    job.row_sums = chunk.row_sums;
    return pass(chunk, set_.product, job);
  }

  void add_up(const Chunk& chunk, double weight, double distance_weight) const {
    const int64_t planes = call_.pair.planes();
    for (int64_t p = 0; p < chunk.count; p++) {
      double sum = weight * sum_of(chunk.row_sums + p * rows_, rows_);
      if (!edges_) sum += distance_weight * sum_of(chunk.distances + p * rows_, rows_);
      set_number(call_.sums, chunk.first + p, is_double(), sum);
      set_number(call_.sums, planes + chunk.first + p, is_double(), (double)rows_ * (double)columns_);
    }
  }

  bool compare_scales(const Chunk& chunk) const {
    Similarity distance = job_of(chunk);
    int64_t before = 0;  // taps of the windows of the scales
    for (int32_t s = 0; s < call_.scales; s++) before += call_.lengths[s];
    distance.formula = Formula::kDistance;
    distance.window = call_.pair.window + before;
    distance.centre_x = distance.centre_y = zeros_.data();
    distance.scale = call_.slope * call_.distance_weight;
    distance.row_sums = chunk.distances;
    distance.grad_x = gradient(chunk, 0);
    distance.grad_y = gradient(chunk, 1);
    if (!compare(chunk, distance)) return false;
    for (int32_t s = 0; s < call_.scales; s++)
      if (!compare(chunk, scale(chunk, s), s)) return false;
    if (!multiply(chunk, -call_.slope * call_.weight)) return false;
    add_up(chunk, call_.weight, call_.distance_weight);
    for (int32_t s = 0; s < call_.scales && gradients(); s++) {
      Similarity job = scale(chunk, s);
      job.grad_x = inner(gradient(chunk, 0), inset(s));
      job.grad_y = inner(gradient(chunk, 1), inset(s));
      job.add = true;
      if (!compare(chunk, job, s)) return false;
    }
    return true;
  }

  // Where windows are whole, a shorter one sees less of the image: its positions are those of the longest.
  int64_t inset(int32_t s) const { return call_.pair.border == kValid ? (call_.pair.taps - call_.lengths[s]) / 2 : 0; }

  Image inner(Image image, int64_t amount) const {
    if (image.data) image.data = (char*)image.data + amount * (image.stride[2] + image.stride[3]) * size_of(image);
    return image;
  }

  Similarity scale(const Chunk& chunk, int32_t s) const {
    Similarity job = job_of(chunk);
    for (int32_t k = 0; k < s; k++) job.window += call_.lengths[k];
    job.taps = (int32_t)call_.lengths[s];
    job.pad = job.border == kValid ? 0 : job.taps / 2;
    job.part = s == call_.scales - 1 ? kSSIM : kContrastStructure;
    job.x = inner(job.x, inset(s));
    job.y = inner(job.y, inset(s));
    job.height -= 2 * inset(s);
    job.width -= 2 * inset(s);
    return job;
  }

  bool compare_edges(const Chunk& chunk) const {
    const int64_t height = call_.pair.shape[2], width = call_.pair.shape[3];
    Image images[4];  // magnitudes and their gradients
    for (int k = 0; k < 2 + gradients(); k++) images[k] = stored(chunk.images, k, chunk, height, width);
    Similarity luminance = job_of(chunk);
    luminance.formula = Formula::kLuminance;
    Edges edges = {};
    edges.x = luminance.x;
    edges.y = luminance.y;
    edges.planes = chunk.count;
    edges.channels = channels();
    edges.height = height;
    edges.width = width;
    edges.low = call_.pair.low;
    edges.of_x = images[0].data;
    edges.of_y = images[1].data;
    if (!pass(chunk, set_.edges, edges)) return false;

    Pair pair = call_.pair;
    pair.shape[0] = chunk.count;
    pair.shape[1] = 1;
    for (int k = 0; k < 2; k++) {
      Image& image = k ? pair.y : pair.x;
      image = images[k];
      image.stride[0] = image.stride[1];
    }
    pair.low = 0;
    pair.threads = chunk.threads;
    const Centres centres(set_, pair, true);
    Similarity structure = similarity_of(pair, centres);
    structure.alike = luminance.alike;
    structure.x = images[0];
    structure.y = images[1];
    structure.channels = channels();
    structure.part = kContrastStructure;
    if (!compare(chunk, luminance, 0) || !compare(chunk, structure, 1)) return false;
    if (!multiply(chunk, call_.slope)) return false;
    add_up(chunk, 1, 0);
    if (!gradients()) return true;
    luminance.grad_x = edges.grad_x = gradient(chunk, 0);
    luminance.grad_y = edges.grad_y = gradient(chunk, 1);
    structure.grad_x = images[2];
    if (gradients() > 1) structure.grad_y = images[3];
    edges.of_x = images[2].data;
    edges.of_y = gradients() > 1 ? images[3].data : nullptr;
    return compare(chunk, luminance, 0) && compare(chunk, structure, 1) && pass(chunk, set_.edges, edges);
  }
};

}  // namespace
}  // namespace ssimloss
