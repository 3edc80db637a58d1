// The C interface. What is added up is added up in a fixed order.

#include "congruency.h"
#include "dss.h"
#include "fidelity.h"
#include "moments.h"
#include "pyramid.h"
#include "visible.h"

#define API extern "C" __attribute__((visibility("default")))

using namespace ssimloss;

// The name of the instruction set in use.
API const char* ssimloss_instructions() { return kernels().name; }

// Uses the one of this name from now on (tests compare them). False if it is unknown or this processor lacks it; "" chooses the best again.
API bool ssimloss_use_instructions(const char* name) {
  if (!*name) {
    chosen = best();
    return true;
  }
  for (const auto& set : kSets)
    if (!std::strcmp(set.kernels->name, name) && set.has()) {
      chosen = set.kernels;
      return true;
    }
  return false;
}

API const char* ssimloss_threads() { return describe_threads(); }

// Working memory that each thread keeps for a window of so many taps.
API int64_t ssimloss_scratch_bytes(int32_t taps, bool is_double) {
  const std::vector<double> window(taps, 1);
  Similarity job = {};
  job.window = window.data();
  job.taps = taps;
  return kernels().similarity.scratch(job, is_double);
}

// The parts of jobs and calls that many have.
template <class Call>
bool is_double_of(const Call& call) {
  return call.x.dtype == kFloat64 || call.y.dtype == kFloat64;
}

template <class Call, class Job>
void take_images(const Call& call, Job& job) {
  job.x = call.x;
  job.y = call.y;
  job.count = call.shape[0];
  job.height = call.shape[2];
  job.width = call.shape[3];
}

template <class Call, class Job>
void take_gradients(const Call& call, Job& job) {
  job.grad_x = call.grad_x;
  job.grad_y = call.grad_y;
}

// Per image: the mean over `positions` of what a kernel adds up in `rows`, and slope times its derivatives. `work` is counted in pixels.
template <class Call, class Job>
int means_of_rows(const Call& call, const Kernel<Job>& kernel, Job& job, int64_t rows, int64_t positions, int64_t work, int64_t kept = INT64_MAX) {
  std::vector<double> row_sums(job.count * rows);
  job.row_sums = row_sums.data();
  job.scale = call.slope / (double)positions;
  take_gradients(call, job);
  const bool is_double = is_double_of(call);
  if (!run(kernel, job, is_double, work < kWorthThreads ? 1 : (int)call.threads, kept)) return 1;
  for (int64_t n = 0; n < job.count; n++)
    set_number(call.means, n, is_double, sum_of(row_sums.data() + n * rows, rows) / (double)positions);
  return 0;
}

struct MeansCall {
  Pair pair;
  int32_t pixel;
  double eps, similarity_weight, pixel_weight;
  double slope;  // multiplies the gradients
  Image grad_x, grad_y;
  void* means;  // (N, C)
};

// Per plane: similarity_weight * mean of the map + pixel_weight * mean distance, and slope times the derivatives of that.
API int ssimloss_similarity_means(const MeansCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    const Pair& pair = call->pair;
    const Centres centres(set, pair, true);
    Similarity job = similarity_of(pair, centres);
    const int64_t rows = map_h(job), positions = rows * map_w(job), pixels = job.height * job.width;
    std::vector<double> row_sums(job.planes * rows), pixel_sums(call->pixel ? job.planes * job.height : 0);
    job.row_sums = row_sums.data();
    job.scale = call->slope * call->similarity_weight / (double)positions;
    take_gradients(*call, job);
    if (call->pixel) {
      job.pixel = call->pixel;
      job.eps = call->eps;
      job.pixel_weight = call->slope * call->pixel_weight / (double)pixels;
      job.pixel_sums = pixel_sums.data();
    }
    const bool is_double = pair.is_double();
    if (!run(set.similarity, job, is_double, pair.threads_for(job.planes * pixels))) return 1;
    for (int64_t p = 0; p < job.planes; p++) {
      double mean = call->similarity_weight * sum_of(row_sums.data() + p * rows, rows) / (double)positions;
      if (call->pixel) mean += call->pixel_weight * sum_of(pixel_sums.data() + p * job.height, job.height) / (double)pixels;
      set_number(call->means, p, pair.is_double(), mean);
    }
    return 0;
  });
}

struct MapCall {
  Pair pair;
  Image map, upstream, grad_x, grad_y;
};

// The map, or, with an upstream gradient of it, the gradient to the images.
API int ssimloss_similarity_map(const MapCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    const Pair& pair = call->pair;
    const Centres centres(set, pair, true);
    Similarity job = similarity_of(pair, centres);
    job.map = call->map;
    job.upstream = call->upstream;
    take_gradients(*call, job);
    const int threads = pair.threads_for(job.planes * job.height * job.width);
    return run(set.similarity, job, pair.is_double(), threads) ? 0 : 1;
  });
}

// The MS-SSIM of each plane, or image, and its gradient.
API int ssimloss_pyramid(const PyramidCall* call) {
  return guarded([&]() -> int { return Pyramid(*call).run() ? 0 : 1; });
}

// The sums of VIF, VMAF's or in the pixel domain, at its four scales, (M, 4, 2): what is kept and what is held. With an upstream gradient,
// that of the images.
API int ssimloss_information(const ScalesCall* call) {
  return guarded([&]() -> int { return InformationScales(*call).run() ? 0 : 1; });
}

// The sums of cubes of the additive distortion measure at its four scales, (M, 4, 2, 3).
API int ssimloss_detail(const ScalesCall* call) {
  return guarded([&]() -> int { return DetailScales(*call).run() ? 0 : 1; });
}

// The sums of magnitudes of x less y under the window, (M, 1). It has no gradient.
API int ssimloss_change(const ScalesCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    const Pair& pair = call->pair;
    Change job = {};
    job.x = pair.x;
    job.y = pair.y;
    job.planes = pair.planes();
    job.height = pair.shape[2];
    job.width = pair.shape[3];
    job.window = pair.window;
    job.taps = pair.taps;
    std::vector<double> row_sums(job.planes * job.height);
    job.row_sums = row_sums.data();
    const int threads = pair.threads_for(job.planes * job.height * job.width);
    if (!run(set.change, job, pair.is_double(), threads)) return 1;
    for (int64_t p = 0; p < job.planes; p++) call->sums[p] = sum_of(row_sums.data() + p * job.height, job.height);
    return 0;
  });
}

// Sums of the values of a measure of local moments over positions, and of their weights, per plane; and the gradients of the former.
API int ssimloss_moments(const MomentsCall* call) {
  return guarded([&]() -> int {
    const bool is_one = call->measured == kSimilarity || call->measured == kStructure;
    return (is_one ? sum_moments(*call) : Factors(*call).run()) ? 0 : 1;
  });
}

struct PixelCall {
  int64_t shape[4];
  Image x, y;
  int32_t pixel, threads;
  double eps, low, high;
  int32_t clipped;
  double slope;  // multiplies the gradient
  Image grad;
  void* means;  // (N)
};

// The mean distance per pixel of each image, and slope times its derivative with respect to x.
API int ssimloss_pixel_means(const PixelCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    PixelMeans job = {};
    job.x = call->x;
    job.y = call->y;
    std::memcpy(job.shape, call->shape, sizeof job.shape);
    job.pixel = call->pixel;
    job.eps = call->eps;
    job.clipped = call->clipped != 0;
    job.low = call->low;
    job.high = call->high;
    job.slope = call->slope;
    job.grad = call->grad;
    const int64_t n = call->shape[0], pixels = call->shape[1] * call->shape[2] * call->shape[3];
    job.blocks = (pixels + kPixelBlock - 1) / kPixelBlock;
    std::vector<double> sums(n * job.blocks);
    job.sums = sums.data();
    const bool is_double = is_double_of(*call);
    over_shares(n * pixels < 4 * kWorthThreads ? 1 : call->threads, [&](int share, int shares) { set.pixel_means(job, is_double, share, shares); });
    for (int64_t i = 0; i < n; i++) set_number(call->means, i, is_double, sum_of(sums.data() + i * job.blocks, job.blocks) / (double)pixels);
    return 0;
  });
}

struct SortedCall {
  int64_t shape[4];
  Image x, y;
  int32_t power, threads;
  double slope;  // multiplies the gradients
  Image grad_x, grad_y;
  void* means;  // (N, C)
};

// Per plane: the mean distance of sorted pixels, and slope times its derivatives. Rows too long to keep their working memory give it back.
API int ssimloss_sorted_means(const SortedCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    SortedMeans job = {};
    job.x = call->x;
    job.y = call->y;
    std::memcpy(job.shape, call->shape, sizeof job.shape);
    job.power = call->power;
    job.slope = call->slope;
    take_gradients(*call, job);
    const int64_t planes = call->shape[0] * call->shape[1], values = planes * call->shape[2] * call->shape[3];
    std::vector<double> means(planes);
    job.means = means.data();
    const bool is_double = is_double_of(*call);
    const int threads = values < kWorthThreads / 4 ? 1 : call->threads < planes ? call->threads : (int)planes;
    if (!run(set.sorted_means, job, is_double, threads, kKeptBytes)) return 1;
    for (int64_t p = 0; p < planes; p++) set_number(call->means, p, is_double, means[p]);
    return 0;
  });
}

struct WarpCall {
  int64_t shape[4];
  Image image, flow;
  int32_t threads;
  Image upstream, out, grad_image, grad_flow;
};

// Images at positions that a flow moves, or, with an upstream gradient, the gradients of images and flow.
API int ssimloss_warp(const WarpCall* call) {
  return guarded([&]() -> int {
    Warp job = {};
    job.image = call->image;
    job.flow = call->flow;
    std::memcpy(job.shape, call->shape, sizeof job.shape);
    job.upstream = call->upstream;
    job.out = call->out;
    job.grad_image = call->grad_image;
    job.grad_flow = call->grad_flow;
    const Kernels& set = kernels();
    const int threads = call->shape[0] * call->shape[2] * call->shape[3] < kWorthThreads ? 1 : call->threads;
    over_shares(threads, [&](int share, int shares) { set.warp(job, job.image.dtype == kFloat64, share, shares); });
    return 0;
  });
}

struct EdgeCall {
  int64_t shape[4];
  Image x, y;
  int32_t filter, border, curve, differs, pooling, threads;  // pooling: 0 the sum, 1 the variance, 2 that of a sample
  double unit, numbers[2], weights[2];
  double slope;  // multiplies the gradients
  Image grad_x, grad_y;
  void* pooled;  // (N, C)
};

// Per plane: the sum of a curve of what a filter finds, or its variance over positions, and slope times the derivatives of that.
API int ssimloss_edge_means(const EdgeCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    EdgeMeans job = {};
    job.x = call->x;
    job.y = call->y;
    job.planes = call->shape[0] * call->shape[1];
    job.channels = call->shape[1];
    job.height = call->shape[2];
    job.width = call->shape[3];
    job.filter = call->filter;
    job.border = call->border;
    job.curve = call->curve;
    job.differs = call->differs != 0;
    job.unit = call->unit;
    for (int k = 0; k < 2; k++) {
      job.numbers[k] = call->numbers[k];
      job.weights[k] = call->weights[k];
    }
    job.scale = call->slope;
    job.varies = call->pooling != 0;
    const int64_t h = job.height, w = job.width, positions = h * w;
    std::vector<double> sums(job.planes * h * 2), means(job.planes);
    job.sums = sums.data();
    if (!call->pooling) {
      job.grad_x = call->grad_x;
      job.grad_y = call->grad_y;
    }
    const bool is_double = is_double_of(*call);
    const int threads = job.planes * positions < kWorthThreads ? 1 : call->threads;
    if (!run(set.edge_means, job, is_double, threads)) return 1;
    const double divisor = (double)(positions - (call->pooling == 2) > 1 ? positions - (call->pooling == 2) : 1);
    for (int64_t p = 0; p < job.planes; p++) {
      const double* rows = sums.data() + p * h * 2;
      double sum = 0, squares = 0;
      for (int64_t r = 0; r < h; r++) sum += rows[2 * r];
      means[p] = sum / (double)positions;
      for (int64_t r = 0; r < h; r++) {
        const double off = rows[2 * r] / (double)w - means[p];
        squares += rows[2 * r + 1] + off * off * (double)w;
      }
      set_number(call->pooled, p, is_double, call->pooling ? squares / divisor : sum);
    }
    if (!call->pooling || (!call->grad_x.data && !call->grad_y.data)) return 0;
    job.sums = nullptr;
    job.means = means.data();
    job.scale = call->slope / divisor;
    take_gradients(*call, job);
    return run(set.edge_means, job, is_double, threads) ? 0 : 1;
  });
}

struct DeviationCall {
  int64_t shape[4];
  Image x, y;
  double alpha, constants[3], slope;  // slope: multiplies the gradients
  Image grad_x, grad_y;
  void* means;  // (N)
  void* roots;  // (N, H, W) of the computing type
  int64_t threads;
};

// The mean deviation of the fourth root of a similarity of each image, and slope times its derivatives.
API int ssimloss_similarity_deviation(const DeviationCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    SimilarityDeviation job = {};
    take_images(*call, job);
    job.alpha = call->alpha;
    std::memcpy(job.constants, call->constants, sizeof job.constants);
    job.roots = call->roots;
    const double positions = (double)(job.height * job.width);
    std::vector<double> row_sums(job.count * job.height * 3), means(job.count * 4);
    job.row_sums = row_sums.data();
    job.means = means.data();
    const bool is_double = is_double_of(*call);
    const int threads = job.count * job.height * job.width < kWorthThreads ? 1 : (int)call->threads;
    for (const DeviationStep step : {kRoots, kDistances}) {
      job.step = step;
      if (!run(set.similarity_deviation, job, is_double, threads)) return 1;
      for (int64_t n = 0; n < job.count; n++) {
        double sums[3] = {0, 0, 0};
        for (int64_t r = 0; r < job.height; r++)
          for (int k = 0; k < 3; k++) sums[k] += row_sums[3 * (n * job.height + r) + k];
        for (int k = 0; k < 2; k++) means[4 * n + (step == kRoots ? 0 : 2) + k] = sums[k] / positions;
        if (step == kDistances) set_number(call->means, n, is_double, sums[2] / positions);
      }
    }
    if (!call->grad_x.data && !call->grad_y.data) return 0;
    job.step = kDerivatives;
    job.scale = call->slope / positions;
    take_gradients(*call, job);
    return run(set.similarity_deviation, job, is_double, threads) ? 0 : 1;
  });
}

struct BlocksCall {
  int64_t shape[4];  // of the image
  Image image, blocks;
  int64_t rows, factor, before, block_rows, block_columns;
  const double* weights;
  double low;
  int32_t repeated, transposed, threads;
};

// Weighted sums of channels and means of their blocks, or the gradient of the image from that of these.
API int ssimloss_block_means(const BlocksCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    Blocks job = {};
    job.image = call->image;
    job.count = call->shape[0];
    job.channels = call->shape[1];
    job.height = call->shape[2];
    job.width = call->shape[3];
    job.rows = call->rows;
    job.weights = call->weights;
    job.low = call->low;
    job.factor = call->factor;
    job.before = call->before;
    job.repeated = call->repeated != 0;
    job.block_rows = call->block_rows;
    job.block_columns = call->block_columns;
    job.blocks = call->blocks;
    const bool is_double = (call->transposed ? call->image : call->blocks).dtype == kFloat64;
    const int threads = job.count * job.height * job.width < kWorthThreads ? 1 : call->threads;
    return run(call->transposed ? set.unblock : set.block_means, job, is_double, threads) ? 0 : 1;
  });
}

struct HaarCall {
  int64_t shape[4];
  Image x, y;
  double c, alpha, least, slope;  // slope: multiplies the gradients
  Image grad_x, grad_y;
  void* means;  // (N)
  int64_t threads;
};

// The weighted mean of a logistic curve of unlike Haar coefficients of each image, and slope times its derivatives.
API int ssimloss_haar_means(const HaarCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    HaarMeans job = {};
    take_images(*call, job);
    job.channels = call->shape[1];
    job.c = call->c;
    job.alpha = call->alpha;
    job.decayed = std::exp(-call->alpha);
    job.least = call->least;
    std::vector<double> row_sums(job.count * job.height * 2), means(job.count), masses(job.count);
    job.row_sums = row_sums.data();
    const bool is_double = is_double_of(*call);
    const int threads = job.count * job.height * job.width < kWorthThreads ? 1 : (int)call->threads;
    if (!run(set.haar_means, job, is_double, threads)) return 1;
    for (int64_t n = 0; n < job.count; n++) {
      double total = 0;
      for (int64_t r = 0; r < job.height; r++) {
        total += row_sums[2 * (n * job.height + r)];
        masses[n] += row_sums[2 * (n * job.height + r) + 1];
      }
      means[n] = total / masses[n];
      set_number(call->means, n, is_double, means[n]);
    }
    if (!call->grad_x.data && !call->grad_y.data) return 0;
    job.row_sums = nullptr;
    job.means = means.data();
    job.masses = masses.data();
    job.scale = call->slope;
    take_gradients(*call, job);
    return run(set.haar_means, job, is_double, threads) ? 0 : 1;
  });
}

struct ColorCall {
  int64_t shape[4];
  Image x, y;
  double low, unit, k[3];
  double slope;  // multiplies the gradients
  Image grad_x, grad_y;
  void* means;  // (N)
  int64_t threads;
};

// The mean colour difference of each image, and slope times its derivatives.
API int ssimloss_color_means(const ColorCall* call) {
  return guarded([&]() -> int {
    ColorMeans job = {};
    take_images(*call, job);
    job.channels = call->shape[1];
    job.low = call->low;
    job.unit = call->unit;
    std::memcpy(job.k, call->k, sizeof job.k);
    const int64_t pixels = job.height * job.width;
    return means_of_rows(*call, kernels().color_means, job, job.height, pixels, 4 * job.count * pixels);
  });
}

struct FlipCall {
  int64_t shape[4];
  Image x, y;
  double low, unit;
  const double *sensitivity, *detection;
  int64_t taps;
  double slope;  // multiplies the gradients
  Image grad_x, grad_y;
  void* means;  // (N)
  int64_t threads;
};

// The mean FLIP of each image, and slope times its derivatives.
API int ssimloss_flip_means(const FlipCall* call) {
  return guarded([&]() -> int {
    FlipMeans job = {};
    take_images(*call, job);
    job.channels = call->shape[1];
    job.low = call->low;
    job.unit = call->unit;
    job.sensitivity = call->sensitivity;
    job.detection = call->detection;
    job.taps = call->taps;
    const int64_t pixels = job.height * job.width;
    return means_of_rows(*call, kernels().flip_means, job, job.height, pixels, 4 * job.count * pixels, kKeptBytes);
  });
}

struct HVSCall {
  int64_t shape[4];
  Image x, y;
  const double *sensitivity, *masking, *weights;
  double slope;  // multiplies the gradients
  Image grad_x, grad_y;
  void* means;  // (N)
  int64_t threads;
};

// The mean error of the blocks of each image, and slope times its derivatives with respect to pixels of whole blocks.
API int ssimloss_hvs_errors(const HVSCall* call) {
  return guarded([&]() -> int {
    HVSErrors job = {};
    take_images(*call, job);
    job.channels = call->shape[1];
    job.sensitivity = call->sensitivity;
    job.masking = call->masking;
    job.weights = call->weights;
    const int64_t rows = (job.weights ? 1 : job.channels) * (job.height / 8), blocks = rows * (job.width / 8);
    return means_of_rows(*call, kernels().hvs_errors, job, rows, blocks, job.count * blocks * 64);
  });
}

// One minus DSS of each image, and slope times the gradients with respect to pixels of whole blocks.
API int ssimloss_subband_errors(const SubbandCall* call) {
  return guarded([&]() -> int { return SubbandErrors(*call).run() ? 0 : 1; });
}

// The phase congruency of each image, or, with an upstream gradient, the gradient of the images.
API int ssimloss_phase_congruency(const PhaseCall* call) {
  return guarded([&]() -> int { return Congruency(*call).run() ? 0 : 1; });
}

// The weighted errors of SSIMULACRA 2 of each image, and slope times their gradients.
API int ssimloss_visible_errors(const VisibleCall* call) {
  return guarded([&]() -> int { return VisibleScales(*call).run() ? 0 : 1; });
}

struct PreparationCall {
  int64_t shape[4];  // of both images, before cropping
  Image x, y;
  int64_t crop;
  double low, span;
  int32_t clamp, quantize, round, to_double, threads;
  const double* weights;  // 4, or null
  void* out;              // (2, N, 1 or C, H', W'), or one number for each image
};

Preparation preparation_of(const PreparationCall& call) {
  Preparation job = {};
  job.images[0] = call.x;
  job.images[1] = call.y;
  job.count = call.shape[0];
  job.channels = call.shape[1];
  job.height = call.shape[2] - 2 * call.crop;
  job.width = call.shape[3] - 2 * call.crop;
  job.crop = call.crop;
  job.low = call.low;
  job.span = call.span;
  job.clamp = call.clamp;
  job.quantize = call.quantize;
  job.round = call.round;
  job.weights = call.weights;
  job.to_double = call.to_double;
  return job;
}

// Both images cropped, scaled, clamped, rounded to levels, and their luma taken, as asked.
API int ssimloss_prepare(const PreparationCall* call) {
  return guarded([&]() -> int {
    Preparation job = preparation_of(*call);
    const int64_t pixels = job.count * (job.weights ? 1 : job.channels) * job.height * job.width;
    job.out[0] = call->out;
    job.out[1] = (char*)call->out + pixels * (job.to_double ? sizeof(double) : sizeof(float));
    const Kernels& set = kernels();
    over_shares(pixels < kWorthThreads ? 1 : call->threads, [&](int share, int shares) { set.prepare(job, share, shares); });
    return 0;
  });
}

// The mean squared error of each image after all of that but the rounding of a luma, (N) of double, to `out`.
API int ssimloss_squared_errors(const PreparationCall* call) {
  return guarded([&]() -> int {
    const Preparation job = preparation_of(*call);
    const int64_t rows = (job.weights ? 1 : job.channels) * job.height, pixels = rows * job.width;
    std::vector<double> row_sums(job.count * rows);
    const Kernels& set = kernels();
    const int threads = job.count * pixels < kWorthThreads ? 1 : call->threads;
    over_shares(threads, [&](int share, int shares) { set.squared_errors(job, share, shares, row_sums.data()); });
    // Differences are in units of the data range or of levels, unless these are in the weights.
    const double unit = !job.quantize ? job.span : job.weights ? 1 : 255;
    for (int64_t i = 0; i < job.count; i++)
      ((double*)call->out)[i] = sum_of(row_sums.data() + i * rows, rows) / ((double)pixels * (unit * unit));
    return 0;
  });
}

struct MixtureCall {
  int64_t shape[3];  // images, rows, columns
  const void *x, *y, *parent, *factor, *variances, *upstream;
  void* out;
  double noise, flat, least;
  int32_t is_double, threads;

  Mixture job() const {
    Mixture job = {};
    job.planes = shape[0];
    job.height = shape[1];
    job.width = shape[2];
    job.x = x;
    job.y = y;
    job.parent = parent;
    job.factor = factor;
    job.variances = variances;
    job.noise = noise;
    job.flat = flat;
    job.least = least;
    return job;
  }
  int threads_of() const { return shape[0] * shape[1] * shape[2] < kWorthThreads ? 1 : threads; }
};

// The mean products of the pixels of neighbourhoods, (N, K, K) of double, to `out`.
API int ssimloss_neighbour_products(const MixtureCall* call) {
  return guarded([&]() -> int {
    Mixture job = call->job();
    const int pixels = job.parent ? 10 : 9, pairs = pixels * (pixels + 1) / 2;
    const int64_t rows = job.height - 2;
    std::vector<double> row_sums(job.planes * rows * pairs);
    job.row_sums = row_sums.data();
    if (!run(kernels().neighbour_products, job, call->is_double != 0, call->threads_of())) return 1;
    for (int64_t plane = 0; plane < job.planes; plane++) {
      double* const products = (double*)call->out + plane * pixels * pixels;
      const double* const sums = row_sums.data() + plane * rows * pairs;
      for (int k = 0, pair = 0; k < pixels; k++)
        for (int l = k; l < pixels; l++, pair++) {
          double sum = 0;
          for (int64_t row = 0; row < rows; row++) sum += sums[row * pairs + pair];
          products[k * pixels + l] = products[l * pixels + k] = sum / (double)(rows * (job.width - 2));
        }
    }
    return 0;
  });
}

// The information at each position, or, where there is an upstream gradient, the gradient of x, to `out`.
API int ssimloss_information_map(const MixtureCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    const bool is_double = call->is_double != 0;
    Mixture job = call->job();
    job.upstream = call->upstream;
    (job.upstream ? job.gradient : job.map) = call->out;
    return run(set.information_map, job, is_double, call->threads_of()) ? 0 : 1;
  });
}

// Changes with every change of this interface: of a function, a structure, or the meaning of a number.
API int32_t ssimloss_interface() { return 15; }

// Sizes of the structures above, for a caller that has declared them itself; 0 beyond the last.
API int64_t ssimloss_size_of(int32_t structure) {
  constexpr int64_t sizes[] = {sizeof(Image), sizeof(Halving), sizeof(Pair), sizeof(MeansCall), sizeof(MapCall), sizeof(PyramidCall), sizeof(PixelCall),
                               sizeof(ScalesCall), sizeof(PreparationCall), sizeof(MomentsCall), sizeof(EdgeCall), sizeof(BlocksCall),
                               sizeof(SortedCall), sizeof(WarpCall), sizeof(VisibleCall), sizeof(HaarCall), sizeof(PhaseCall),
                               sizeof(ColorCall), sizeof(FlipCall), sizeof(HVSCall), sizeof(DeviationCall), sizeof(MixtureCall),
                               sizeof(SubbandCall)};
  return structure >= 0 && structure < (int32_t)(sizeof sizes / sizeof *sizes) ? sizes[structure] : 0;
}
