// The C interface: picks the instruction set, cuts the work into passes, adds up in a fixed order.

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "engine.h"

#define API extern "C" __attribute__((visibility("default")))

namespace ssimloss {
namespace {

constexpr int kMaxScales = 16;
// Pixels below which a second thread costs more than it brings.
constexpr int64_t kWorthThreads = 1 << 13;
// Bytes of coarser scales kept at a time. Constant, so that planes are grouped alike for any number of threads.
constexpr int64_t kStored = 1 << 20;

const Kernels* const kSets[] = {
#if defined(SSIMLOSS_X86)
    &avx512::kernels, &avx2::kernels,
#endif
    &baseline::kernels};

bool runs_here(const Kernels* set) {
#if defined(SSIMLOSS_X86)
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == &avx2::kernels) return has_avx2;
  if (set == &avx512::kernels)
    return has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#endif
  return set == &baseline::kernels;
}

const Kernels* best() {
  for (const Kernels* set : kSets)
    if (runs_here(set)) return set;
  return &baseline::kernels;
}

std::atomic<const Kernels*> chosen{nullptr};

const Kernels& kernels() {
  const Kernels* set = chosen.load(std::memory_order_relaxed);
  if (!set) chosen = set = best();
  return *set;
}

// Working memory of a thread, kept from call to call: it would cost as much to ask for as small images take.
struct Scratch {
  void* memory = nullptr;
  int64_t bytes = 0;
  ~Scratch() { std::free(memory); }
  void* get(int64_t wanted) {
    if (bytes < wanted) {
      std::free(memory);
      memory = std::aligned_alloc(64, (wanted + 63) / 64 * 64);
      bytes = memory ? wanted : 0;
      if (memory) std::memset(memory, 0, wanted);  // what is read beyond a row is never used, but it is read
    }
    return memory;
  }
};
thread_local Scratch scratch;

// Runs one kernel over all shares. False if memory was lacking.
template <class Job>
bool run(void (*kernel)(const Job&, bool, int, int, void*), const Job& job, bool is_double, int threads, int64_t bytes) {
  struct Call {
    void (*kernel)(const Job&, bool, int, int, void*);
    const Job& job;
    bool is_double;
    int64_t bytes;
    std::atomic<bool> failed;
  } call = {kernel, job, is_double, bytes, {false}};
  parallel(
      threads,
      [](void* argument, int share, int shares) {
        Call& call = *(Call*)argument;
        void* memory = scratch.get(call.bytes);
        if (memory)
          call.kernel(call.job, call.is_double, share, shares, memory);
        else
          call.failed = true;
      },
      &call);
  return !call.failed;
}

// Two images and what is compared of them; the first part of every call.
struct Pair {
  int64_t shape[4];
  Image x, y;
  double low, c1, c2;
  const double* window;
  int32_t taps, part, border, threads;

  int64_t planes() const { return shape[0] * shape[1]; }
  bool is_double() const { return x.dtype == kFloat64 || y.dtype == kFloat64; }
  int threads_for(int64_t pixels) const { return pixels < kWorthThreads ? 1 : threads; }
};

void set_number(void* values, int64_t i, bool is_double, double value) {
  if (is_double)
    ((double*)values)[i] = value;
  else
    ((float*)values)[i] = (float)value;
}

// What is subtracted from the planes of both images before anything is squared.
struct Centres {
  std::vector<double> x, y;  // room for float as well

  Centres(const Kernels& set, const Pair& pair) : x(pair.planes()), y(pair.planes()) {
    set.centres(pair.x, pair.shape, pair.is_double(), x.data());
    set.centres(pair.y, pair.shape, pair.is_double(), y.data());
    if (pair.border != kZeros) return;
    // The border counts as well: of a small plane it is most of what the windows see.
    const double pad = (pair.taps - 1) / 2, h = (double)pair.shape[2], w = (double)pair.shape[3];
    const double share = h * w / ((h + 2 * pad) * (w + 2 * pad));
    for (void* centres : {(void*)x.data(), (void*)y.data()})
      for (int64_t p = 0; p < pair.planes(); p++) {
        const double inside = pair.is_double() ? ((double*)centres)[p] : ((float*)centres)[p];
        set_number(centres, p, pair.is_double(), share * inside + (1 - share) * pair.low);
      }
  }
};

const void* at(const void* values, int64_t i, bool is_double) {
  return values ? (const char*)values + i * (is_double ? sizeof(double) : sizeof(float)) : nullptr;
}
void* at(void* values, int64_t i, bool is_double) { return const_cast<void*>(at((const void*)values, i, is_double)); }

Similarity similarity_of(const Pair& pair, const Centres& centres) {
  Similarity job = {};
  job.x = pair.x;
  job.y = pair.y;
  job.planes = pair.planes();
  job.channels = pair.shape[1];
  job.height = pair.shape[2];
  job.width = pair.shape[3];
  job.centre_x = centres.x.data();
  job.centre_y = centres.y.data();
  job.low = pair.low;
  job.border = pair.border;
  job.pad = pair.border == kValid ? 0 : (pair.taps - 1) / 2;
  job.window = pair.window;
  job.taps = pair.taps;
  job.part = pair.part;
  job.c1 = pair.c1;
  job.c2 = pair.c2;
  job.scale = 1;
  return job;
}

int64_t map_h(const Similarity& job) { return job.height + 2 * job.pad - job.taps + 1; }
int64_t map_w(const Similarity& job) { return job.width + 2 * job.pad - job.taps + 1; }

double sum_of(const double* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += values[i];
  return sum;
}

}  // namespace
}  // namespace ssimloss

using namespace ssimloss;

// Every call returns 0, or 1 where memory was lacking.
template <class Work>
static int guarded(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// The name of the instruction set in use.
API const char* ssimloss_instructions() { return kernels().name; }

// Uses the one of this name from now on (tests compare them). False if it is unknown or this processor lacks it; "" chooses the best again.
API bool ssimloss_use_instructions(const char* name) {
  if (!*name) {
    chosen = best();
    return true;
  }
  for (const Kernels* set : kSets)
    if (!std::strcmp(set->name, name) && runs_here(set)) {
      chosen = set;
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
  return kernels().similarity_scratch(job, is_double);
}

struct MeansCall {
  Pair pair;
  int32_t pixel;
  double eps, similarity_weight, pixel_weight;
  Image grad_x, grad_y;
  void* means;  // (N, C)
};

// Per plane: similarity_weight * mean of the map + pixel_weight * mean distance, and the derivatives of that.
API int ssimloss_similarity_means(const MeansCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    const Pair& pair = call->pair;
    const Centres centres(set, pair);
    Similarity job = similarity_of(pair, centres);
    const int64_t rows = map_h(job), positions = rows * map_w(job), pixels = job.height * job.width;
    std::vector<double> row_sums(job.planes * rows), pixel_sums(call->pixel ? job.planes * job.height : 0);
    job.row_sums = row_sums.data();
    job.scale = call->similarity_weight / (double)positions;
    job.grad_x = call->grad_x;
    job.grad_y = call->grad_y;
    if (call->pixel) {
      job.pixel = call->pixel;
      job.eps = call->eps;
      job.pixel_weight = call->pixel_weight / (double)pixels;
      job.pixel_sums = pixel_sums.data();
    }
    const bool is_double = pair.is_double();
    if (!run(set.similarity, job, is_double, pair.threads_for(job.planes * pixels), set.similarity_scratch(job, is_double))) return 1;
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
    const Centres centres(set, pair);
    Similarity job = similarity_of(pair, centres);
    job.map = call->map;
    job.upstream = call->upstream;
    job.grad_x = call->grad_x;
    job.grad_y = call->grad_y;
    const int threads = pair.threads_for(job.planes * job.height * job.width);
    return run(set.similarity, job, pair.is_double(), threads, set.similarity_scratch(job, pair.is_double())) ? 0 : 1;
  });
}

struct PyramidCall {
  Pair pair;  // `part` is that of the coarsest scale; the finer ones compare contrast and structure
  int32_t scales;
  const Halving* halvings;  // scales - 1
  const int64_t* sizes;     // height and width of each scale
  void* means;              // (scales, N, C), or null
  const double* factors;    // (scales, N, C), or null
  Image grad_x, grad_y;     // contiguous
};

// Forward (`means`): the mean of each plane at each scale, and the gradient of the finest mean alone.
// Backward (`factors`): the gradient of sum(factors * means), made of that of the finest, which is in grad_x and grad_y, and of those of the
// coarser scales, which take a quarter of the time to compute again and a third of the image's memory to keep.
//
// A few planes at a time. Scale 1 is averaged from the image whenever it is read, and its gradient is spread over the finest as it is made;
// only scales from 2 on are stored.
API int ssimloss_pyramid(const PyramidCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    const Pair& pair = call->pair;
    const bool is_double = pair.is_double();
    const int64_t planes = pair.planes(), channels = pair.shape[1];
    const int scales = call->scales;
    const Centres centres(set, pair);
    int64_t offsets[kMaxScales + 1] = {};  // of the stored scales, per plane
    for (int s = 0; s < scales; s++) offsets[s + 1] = offsets[s] + (s < 2 ? 0 : call->sizes[2 * s] * call->sizes[2 * s + 1]);
    const bool backward = call->factors;
    const int kinds = !backward ? 2 : call->grad_y.data ? 4 : 3;  // x, y, and the gradients
    const int64_t bytes = offsets[scales] * kinds * (is_double ? 8 : 4);
    int64_t chunk = bytes ? kStored / bytes : planes;
    if (chunk < 1) chunk = 1;
    if (chunk > planes) chunk = planes;
    // Whole images, so that a chunk's first plane is a channel 0; where an image is too large for that, one plane of a batch of one.
    const bool whole = chunk >= channels;
    if (whole) chunk = chunk / channels * channels;
    else chunk = 1;
    std::vector<double> stored(chunk * offsets[scales] * kinds * (is_double ? 8 : 4) / sizeof(double) + 1);
    std::vector<double> row_sums(chunk * call->sizes[0]);

    for (int64_t first = 0; first < planes; first += chunk) {
      const int64_t count = planes - first < chunk ? planes - first : chunk;
      const auto moved = [&](Image image, int64_t plane) {
        if (image.data) {
          const int64_t elements = plane / channels * image.stride[0] + plane % channels * image.stride[1];
          const int64_t size = image.dtype == kFloat64 ? 8 : image.dtype == kFloat32 ? 4 : 2;
          image.data = (char*)image.data + elements * size;
        }
        return image;
      };
      // Where a stored scale lies (0, 1: images, 2, 3: gradients), and the work on a scale.
      const auto scale_data = [&](int kind, int s) {
        return at(stored.data(), chunk * (kind * offsets[scales] + offsets[s]), is_double);
      };
      const auto scale_image = [&](int kind, int s) {
        const int64_t w = call->sizes[2 * s + 1], plane = call->sizes[2 * s] * w;
        return Image{scale_data(kind, s), {channels * plane, plane, w, 1}, is_double ? kFloat64 : kFloat32};
      };
      const auto job_of = [&](int s) {
        Similarity job = similarity_of(pair, centres);
        job.planes = count;
        job.height = call->sizes[2 * s];
        job.width = call->sizes[2 * s + 1];
        job.part = s == scales - 1 ? pair.part : (int32_t)kContrastStructure;
        job.x = s < 2 ? moved(pair.x, first) : scale_image(0, s);
        job.y = s < 2 ? moved(pair.y, first) : scale_image(1, s);
        job.centre_x = at(centres.x.data(), first, is_double);
        job.centre_y = at(centres.y.data(), first, is_double);
        job.stored = s >= 2;
        job.halving = s == 1 ? call->halvings : nullptr;
        job.scale = 1 / ((double)map_h(job) * (double)map_w(job));
        return job;
      };
      const auto compare = [&](const Similarity& job) {
        const int threads = pair.threads_for(job.planes * job.height * job.width);
        return run(set.similarity, job, is_double, threads, set.similarity_scratch(job, is_double));
      };
      const auto means_of = [&](int s) {
        Similarity job = job_of(s);
        job.row_sums = row_sums.data();
        if (s == 0) {
          job.grad_x = moved(call->grad_x, first);
          job.grad_y = moved(call->grad_y, first);
        }
        if (!compare(job)) return false;
        const int64_t rows = map_h(job);
        for (int64_t p = 0; p < count; p++)
          set_number(call->means, s * planes + first + p, is_double, job.scale * sum_of(row_sums.data() + p * rows, rows));
        return true;
      };
      const auto store = [&](int s) {
        Coarser job = {};
        job.images[0] = s == 2 ? moved(pair.x, first) : scale_image(0, s - 1);
        job.images[1] = s == 2 ? moved(pair.y, first) : scale_image(1, s - 1);
        job.centres[0] = at(centres.x.data(), first, is_double);
        job.centres[1] = at(centres.y.data(), first, is_double);
        for (int image = 0; image < 2; image++) job.out[image] = scale_data(image, s);
        job.planes = count;
        job.channels = channels;
        job.stored = s > 2;
        job.low = pair.low;
        job.first = s == 2 ? call->halvings : nullptr;
        job.last = call->halvings[s - 1];
        job.height = call->sizes[2 * s];
        job.width = call->sizes[2 * s + 1];
        const int threads = pair.threads_for(count * job.height * job.width * 16);
        return run(set.coarser, job, is_double, threads, set.coarser_scratch(job, is_double));
      };

      for (int s = 2; s < scales; s++)
        if (!store(s)) return 1;
      for (int s = 0; !backward && s < scales; s++)
        if (!means_of(s)) return 1;
      if (!backward) continue;

      for (int s = scales - 1; s >= 1; s--) {
        Similarity job = job_of(s);
        job.plane_scale = call->factors + s * planes + first;
        job.grad_x = s == 1 ? moved(call->grad_x, first) : scale_image(2, s);
        if (call->grad_y.data) job.grad_y = s == 1 ? moved(call->grad_y, first) : scale_image(3, s);
        if (s == 1) job.fine_scale = call->factors + first;
        if (s + 1 < scales) {
          job.coarse_x = scale_data(2, s + 1);
          if (call->grad_y.data) job.coarse_y = scale_data(3, s + 1);
          job.coarse_h = call->sizes[2 * s + 2];
          job.coarse_w = call->sizes[2 * s + 3];
          job.to_coarse = call->halvings[s];
        }
        if (!compare(job)) return 1;
      }
    }
    return 0;
  });
}

struct PixelCall {
  int64_t shape[4];
  Image x, y;
  int32_t pixel, threads;
  double eps;
  Image grad;
  void* means;  // (N)
};

// The mean distance per pixel of each image, and its derivative with respect to x.
API int ssimloss_pixel_means(const PixelCall* call) {
  return guarded([&]() -> int {
    const Kernels& set = kernels();
    PixelMeans job = {};
    job.x = call->x;
    job.y = call->y;
    std::memcpy(job.shape, call->shape, sizeof job.shape);
    job.pixel = call->pixel;
    job.eps = call->eps;
    job.grad = call->grad;
    const int64_t n = call->shape[0], rows = call->shape[1] * call->shape[2], pixels = rows * call->shape[3];
    job.blocks = pixels / 16384 + 1 < rows ? pixels / 16384 + 1 : rows;
    std::vector<double> sums(n * job.blocks);
    job.sums = sums.data();
    struct Call {
      const Kernels& set;
      const PixelMeans& job;
      bool is_double;
    } all = {set, job, call->x.dtype == kFloat64 || call->y.dtype == kFloat64};
    parallel(
        n * pixels < 4 * kWorthThreads ? 1 : call->threads,
        [](void* argument, int share, int shares) {
          const Call& all = *(const Call*)argument;
          all.set.pixel_means(all.job, all.is_double, share, shares);
        },
        &all);
    for (int64_t i = 0; i < n; i++) set_number(call->means, i, all.is_double, sum_of(sums.data() + i * job.blocks, job.blocks) / (double)pixels);
    return 0;
  });
}

// Changes with every change of this interface: of a function, a structure, or the meaning of a number.
API int32_t ssimloss_interface() { return 1; }

// Sizes of the structures above, for a caller that has declared them itself; 0 beyond the last.
API int64_t ssimloss_size_of(int32_t structure) {
  constexpr int64_t sizes[] = {sizeof(Image), sizeof(Halving), sizeof(Pair), sizeof(MeansCall), sizeof(MapCall), sizeof(PyramidCall), sizeof(PixelCall)};
  return structure >= 0 && structure < (int32_t)(sizeof sizes / sizeof *sizes) ? sizes[structure] : 0;
}
