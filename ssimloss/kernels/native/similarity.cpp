// The measures of local moments in numbers of SSIMLOSS_NUMBER, with one instruction set.

#include "similarity.h"

#include "stream.h"

namespace ssimloss {
namespace SSIMLOSS_SET {
namespace {

constexpr int kUsualTaps = 11;

bool is_symmetric(const double* window, int taps) {
  for (int k = 0; k < taps / 2; k++)
    if (window[k] != window[taps - 1 - k]) return false;
  return true;
}

bool is_usual(const Similarity& job) { return job.taps == kUsualTaps && is_symmetric(job.window, job.taps); }

// Calls work(null pointer to the kind of stream that does this job). Usual windows are known when compiling, where that pays.
template <class T, class Work>
void with_stream(const Similarity& job, Work work) {
  switch (job.formula) {
    case Formula::kStructural:
      if (job.mask.data) return work((Stream<T, 0, Masked<Structural>>*)nullptr);
      if (is_usual(job)) return work((Stream<T, kUsualTaps, Structural>*)nullptr);
      return work((Stream<T, 0, Structural>*)nullptr);
    case Formula::kCorrelation:
      if (job.mask.data) return work((Stream<T, 0, Masked<Correlation>>*)nullptr);
      return work((Stream<T, 0, Correlation>*)nullptr);
    case Formula::kInformation:
      if constexpr (sizeof(T) == sizeof(float)) {  // the windows of its finer scales
        if (job.taps == 17) return work((Stream<T, 17, Information>*)nullptr);
        if (job.taps == 9) return work((Stream<T, 9, Information>*)nullptr);
      }
      return work((Stream<T, 0, Information>*)nullptr);
    case Formula::kLuminance: return work((Stream<T, 0, Luminance>*)nullptr);
    case Formula::kDistance: return work((Stream<T, 0, Distance>*)nullptr);
  }
}

}  // namespace

template <class T>
void similarity_of(const Similarity& job, int share, int shares, void* scratch) {
  with_stream<T>(job, [&](auto* kind) { ((decltype(kind))scratch)->run(job, share, shares); });
}

template <class T>
int64_t similarity_room(const Similarity& job) {
  int64_t bytes = 0;
  with_stream<T>(job, [&](auto* kind) { bytes = sizeof *kind; });
  return bytes;
}

template void similarity_of<SSIMLOSS_NUMBER>(const Similarity&, int, int, void*);
template int64_t similarity_room<SSIMLOSS_NUMBER>(const Similarity&);

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
