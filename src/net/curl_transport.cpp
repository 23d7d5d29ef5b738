#include "net/curl_transport.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/internal/curl_transfer.h"

namespace arena {
namespace {

using Steady = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How exactly the deadlines that curl does not know are kept.
constexpr milliseconds kDeadlineLook{50};
constexpr long kIdleConnections = 2048;
constexpr int kEventsAtOnce = 256;
constexpr rlim_t kWantedFiles = 65536;

// Each request in flight is an open file; systems start programs with room for about 1,000.
void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kWantedFiles));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void InitCurlOnce() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(done);
}

/// curl's socket interface on epoll: work is done for sockets that are ready and no others.
class CurlTransport final : public Transport {
 public:
  CurlTransport();
  ~CurlTransport() override;
  void Start(TransferId id, const HttpRequest& request, const TransferLimits& limits) override;
  void Wait(Steady until, Done done) override;
  void Wake() override;

 private:
  using Open = std::unordered_map<TransferId, std::unique_ptr<CurlTransfer>>;

  static int OnSocket(CURL*, curl_socket_t socket, int what, void* self, void* known);
  static int OnTimer(CURLM*, long timeout_ms, void* self);
  int MsUntil(Steady until) const;
  void HandleEvents(int timeout_ms);
  void HandleTimer();
  void TakeFinished(Done done);
  void EndLate(Done done);
  void Finish(CurlTransfer& transfer, TransferResult&& result, Done done);

  CURLM* multi_;
  int epoll_;
  int wake_;
  std::optional<Steady> timer_;
  Steady deadlines_checked_{};
  Open open_;
  std::vector<std::unique_ptr<CurlTransfer>> idle_;
  bool is_woken_ = false;
};

CurlTransport::CurlTransport() {
  RaiseFileLimit();
  InitCurlOnce();
  multi_ = curl_multi_init();
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
}

CurlTransport::~CurlTransport() {
  for (auto& [id, transfer] : open_) curl_multi_remove_handle(multi_, transfer->easy());
  open_.clear();
  idle_.clear();
  curl_multi_cleanup(multi_);
  ::close(epoll_);
  ::close(wake_);
}

int CurlTransport::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
  auto& transport = *static_cast<CurlTransport*>(self);
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(transport.epoll_, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.events = ((what & CURL_POLL_IN) != 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                 ((what & CURL_POLL_OUT) != 0 ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.fd = socket;
  ::epoll_ctl(transport.epoll_, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
  if (known == nullptr) curl_multi_assign(transport.multi_, socket, self);
  return 0;
}

int CurlTransport::OnTimer(CURLM*, long timeout_ms, void* self) {
  auto& transport = *static_cast<CurlTransport*>(self);
  if (timeout_ms < 0) {
    transport.timer_.reset();
  } else {
    transport.timer_ = steady_clock::now() + milliseconds(timeout_ms);
  }
  return 0;
}

void CurlTransport::Start(TransferId id, const HttpRequest& request, const TransferLimits& limits) {
  std::unique_ptr<CurlTransfer> transfer;
  if (idle_.empty()) {
    transfer = std::make_unique<CurlTransfer>();
  } else {
    transfer = std::move(idle_.back());
    idle_.pop_back();
  }
  transfer->Begin(id, request, limits);
  curl_multi_add_handle(multi_, transfer->easy());
  open_.emplace(id, std::move(transfer));
}

int CurlTransport::MsUntil(Steady until) const {
  if (timer_) until = std::min(until, *timer_);
  if (!open_.empty()) until = std::min(until, deadlines_checked_ + kDeadlineLook);
  const auto wait = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60'000));
}

void CurlTransport::HandleEvents(int timeout_ms) {
  std::array<epoll_event, kEventsAtOnce> events;
  const int count = ::epoll_wait(epoll_, events.data(), kEventsAtOnce, timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == wake_) {
      std::uint64_t wakes = 0;
      is_woken_ = ::read(wake_, &wakes, sizeof wakes) > 0;
      continue;
    }
    int mask = 0;
    if ((event.events & EPOLLIN) != 0) mask |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) mask |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) mask |= CURL_CSELECT_ERR;
    int running = 0;
    curl_multi_socket_action(multi_, event.data.fd, mask, &running);
  }
}

void CurlTransport::HandleTimer() {
  if (!timer_ || steady_clock::now() < *timer_) return;
  timer_.reset();
  int running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

void CurlTransport::Finish(CurlTransfer& transfer, TransferResult&& result, Done done) {
  const TransferId id = transfer.id();
  curl_multi_remove_handle(multi_, transfer.easy());
  const auto found = open_.find(id);
  idle_.push_back(std::move(found->second));
  open_.erase(found);
  done(id, std::move(result));
}

void CurlTransport::TakeFinished(Done done) {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CurlTransfer& transfer = CurlTransfer::Of(message->easy_handle);
    // The message does not outlive the removal of its transfer.
    const CURLcode code = message->data.result;
    Finish(transfer, transfer.End(code), done);
  }
}

// After TakeFinished(): one that ended by itself in this very moment is not late.
void CurlTransport::EndLate(Done done) {
  const Steady now = steady_clock::now();
  if (now - deadlines_checked_ < kDeadlineLook) return;
  deadlines_checked_ = now;
  std::vector<std::pair<CurlTransfer*, TransferResult>> late;
  for (const auto& [id, transfer] : open_) {
    if (auto result = transfer->Late(now)) late.emplace_back(transfer.get(), std::move(*result));
  }
  for (auto& [transfer, result] : late) Finish(*transfer, std::move(result), done);
}

void CurlTransport::Wait(Steady until, Done done) {
  bool is_done = false;
  const auto note = [&](TransferId id, TransferResult&& result) {
    is_done = true;
    done(id, std::move(result));
  };
  do {
    HandleEvents(MsUntil(until));
    HandleTimer();
    TakeFinished(note);
    EndLate(note);
  } while (!is_done && !std::exchange(is_woken_, false) && steady_clock::now() < until);
}

void CurlTransport::Wake() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_, &one, sizeof one));
}

}  // namespace

std::unique_ptr<Transport> MakeCurlTransport() { return std::make_unique<CurlTransport>(); }

}  // namespace arena
