// What the calls of the C interface share: the choice of instructions, working memory, a pass over all threads.

#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "engine.h"

namespace ssimloss {

// Pixels below which a second thread costs more than it brings.
constexpr int64_t kWorthThreads = 1 << 13;

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

namespace {

// Whether this processor has the instructions. On other processors than x86, the baseline is all there is.
#if defined(SSIMLOSS_AVX2)
bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif
#if defined(SSIMLOSS_AVX512)
bool has_avx512() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

// The sets of this build, the best first; a build of one set alone is for a processor that has it.
const struct {
  const Kernels* kernels;
  bool (*has)();
} kSets[] = {
#if defined(SSIMLOSS_AVX512)
    {&avx512::kernels, has_avx512},
#endif
#if defined(SSIMLOSS_AVX2)
    {&avx2::kernels, has_avx2},
#endif
#if defined(SSIMLOSS_BASELINE)
    {&baseline::kernels, [] { return true; }},
#endif
};

const Kernels* best() {
  for (const auto& set : kSets)
    if (set.has()) return set.kernels;
  std::abort();  // a library for one set alone (SSIMLOSS_INSTRUCTIONS, for sanitizers) on another processor
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
  void forget() {
    std::free(memory);
    memory = nullptr;
    bytes = 0;
  }
};
thread_local Scratch scratch;

// Calls work(share, shares) for every share, see parallel().
template <class Work>
void over_shares(int threads, const Work& work) {
  parallel(
      threads, [](void* argument, int share, int shares) { (*(const Work*)argument)(share, shares); }, (void*)&work);
}

// Working memory that a thread keeps at most where it grows with the images.
constexpr int64_t kKeptBytes = 1 << 22;

// Runs one kernel over all shares. False if memory was lacking. Working memory of more than `kept` bytes is given back.
template <class Job>
bool run(const Kernel<Job>& kernel, const Job& job, bool is_double, int threads, int64_t kept = INT64_MAX) {
  const int64_t bytes = kernel.scratch(job, is_double);
  std::atomic<bool> failed{false};
  over_shares(threads, [&](int share, int shares) {
    void* memory = scratch.get(bytes);
    if (memory)
      kernel.run(job, is_double, share, shares, memory);
    else
      failed = true;
    if (bytes > kept) scratch.forget();
  });
  return !failed;
}

void set_number(void* values, int64_t i, bool is_double, double value) {
  if (is_double)
    ((double*)values)[i] = value;
  else
    ((float*)values)[i] = (float)value;
}

// Rounded to the precision of bfloat16.
float eight_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = (bits + 0x8000u) & 0xffff0000u;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

// What is subtracted from the planes of both images before anything is squared: a value in the middle of the plane, so that a flat one
// becomes exactly 0. Rounded, for equations of sum and difference, in float32 eight bits of it above the start of the data range:
// subtracting them from most pixels is exact, and images of about the same brightness have the same centre.
struct Centres {
  std::vector<double> x, y;  // room for float as well

  Centres(const Kernels& set, const Pair& pair, bool rounded, const Image& mask = {}) : x(pair.planes()), y(pair.planes()) {
    over_shares(pair.threads_for(pair.planes() * kWorthThreads / 16), [&](int share, int shares) {
      set.centres(pair.x, mask, pair.shape, pair.is_double(), share, shares, x.data());
      set.centres(pair.y, mask, pair.shape, pair.is_double(), share, shares, y.data());
    });
    rounded = rounded && !pair.is_double();
    if (!rounded && pair.border != kZeros) return;
    // A border of zeros counts as well: of a small plane it is most of what the windows see.
    const double pad = pair.border == kZeros ? (pair.taps - 1) / 2 : 0, h = (double)pair.shape[2], w = (double)pair.shape[3];
    const double inside = h * w / ((h + 2 * pad) * (w + 2 * pad));
    for (std::vector<double>* centres : {&x, &y})
      for (int64_t p = 0; p < pair.planes(); p++) {
        const double above = inside * (number(*centres, p, pair.is_double()) - pair.low);
        set_number(centres->data(), p, pair.is_double(), pair.low + (rounded ? eight_bits((float)above) : above));
      }
  }

  // Planes whose centres are less than the root of `squared` apart get that between them, whichever image comes first.
  void join(double squared, bool is_double) {
    for (int64_t p = 0; p < (int64_t)x.size(); p++) {
      const double of_x = number(x, p, is_double), of_y = number(y, p, is_double);
      if ((of_x - of_y) * (of_x - of_y) >= squared) continue;
      set_number(x.data(), p, is_double, (of_x + of_y) / 2);
      set_number(y.data(), p, is_double, (of_x + of_y) / 2);
    }
  }

  static double number(const std::vector<double>& centres, int64_t p, bool is_double) {
    return is_double ? centres[p] : (double)((const float*)centres.data())[p];
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

// Elements of a tensor's type, in bytes.
int64_t size_of(const Image& image) { return image.dtype == kFloat64 ? 8 : image.dtype == kFloat32 ? 4 : 2; }

// The image from plane `first` on.
Image moved(Image image, int64_t first, int64_t channels) {
  if (image.data) image.data = (char*)image.data + (first / channels * image.stride[0] + first % channels * image.stride[1]) * size_of(image);
  return image;
}

double sum_of(const double* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += values[i];
  return sum;
}

// Every call returns 0, or 1 where memory was lacking.
template <class Work>
int guarded(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return 1;
  }
}

// Calls work(from, to, threads) until all chunks are done, and returns whether it always succeeded. Where there are enough chunks, each
// thread takes some and works on them alone, so that nobody waits for anybody; else all work on one together.
template <class Work>
bool over_chunks(int64_t chunks, int threads, bool alone, Work work) {
  if (threads <= 1 || !alone || (chunks < 4 * threads && chunks % threads != 0)) return work(0, chunks, threads);
  std::atomic<bool> failed{false};
  over_shares(threads, [&](int share, int shares) {
    if (guarded([&] { return work(chunks * share / shares, chunks * (share + 1) / shares, 1) ? 0 : 1; })) failed = true;
  });
  return !failed;
}

}  // namespace
}  // namespace ssimloss
