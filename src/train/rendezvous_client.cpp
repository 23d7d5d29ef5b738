#include <fmt/format.h>

#include "train/internal/rendezvous.h"
#include "train/internal/rendezvous_wire.h"

namespace arena::train::internal {

Result<std::unique_ptr<RendezvousClient>> RendezvousClient::Connect(const Endpoint& endpoint,
                                                                    int rank, int world_size,
                                                                    Deadline deadline) {
  ARENA_ASSIGN_OR_RETURN(Socket socket, ConnectTo(endpoint, deadline));
  std::unique_ptr<RendezvousClient> client(new RendezvousClient(std::move(socket)));
  std::string value;
  AppendNumber<std::int32_t>(rank, value);
  AppendNumber<std::int32_t>(world_size, value);
  ARENA_RETURN_IF_ERROR(client->Send(Request::kHello, kRendezvousProtocol, value, deadline));
  const auto answer = client->Receive(deadline);
  if (!answer.ok()) {
    return Error{answer.error().code,
                 fmt::format("rank 0 at {}: {}", endpoint.Text(), answer.error().message)};
  }
  return client;
}

Status RendezvousClient::Set(std::string_view name, std::string_view value, Deadline deadline) {
  ARENA_RETURN_IF_ERROR(Send(Request::kSet, name, value, deadline));
  ARENA_RETURN_IF_ERROR(Receive(deadline));
  return {};
}

Result<std::optional<std::string>> RendezvousClient::Get(std::string_view name, Deadline deadline) {
  ARENA_RETURN_IF_ERROR(Send(Request::kGet, name, "", deadline));
  return Receive(deadline);
}

Status RendezvousClient::ReportReached(std::int64_t operations, Deadline deadline) {
  std::string value;
  AppendNumber(operations, value);
  return Send(Request::kReached, "", value, deadline);
}

Result<Standing> RendezvousClient::AskStanding(Deadline deadline) {
  ARENA_RETURN_IF_ERROR(Send(Request::kStanding, "", "", deadline));
  ARENA_ASSIGN_OR_RETURN(const std::optional<std::string> answer, Receive(deadline));
  std::string_view bytes = answer ? std::string_view(*answer) : std::string_view();
  std::uint32_t ended = 0;
  Standing standing;
  if (!TakeNumber(bytes, ended) || bytes.size() / sizeof(std::int32_t) < ended) {
    return InternalError("the standing of the ranks is cut off");
  }
  standing.ended.resize(ended);
  for (std::int32_t& rank : standing.ended) TakeNumber(bytes, rank);
  for (std::int64_t count = 0; TakeNumber(bytes, count);) standing.operations.push_back(count);
  return standing;
}

Status RendezvousClient::Send(Request kind, std::string_view name, std::string_view value,
                              Deadline deadline) {
  std::string message;
  const std::size_t size = 1 + sizeof(std::uint32_t) + name.size() + value.size();
  if (size > kMaxMessage) return InternalError("a message to rank 0 is too long");
  AppendNumber(static_cast<std::uint32_t>(size), message);
  AppendNumber(static_cast<std::uint8_t>(kind), message);
  AppendNumber(static_cast<std::uint32_t>(name.size()), message);
  message.append(name).append(value);
  return SendAll(socket_, message, deadline);
}

Result<std::optional<std::string>> RendezvousClient::Receive(Deadline deadline) {
  ARENA_ASSIGN_OR_RETURN(const std::string head,
                         ReceiveAll(socket_, sizeof(std::uint32_t) + 1, deadline));
  std::string_view rest = head;
  std::uint32_t size = 0;
  std::uint8_t kind = 0;
  TakeNumber(rest, size);
  TakeNumber(rest, kind);
  const bool known = kind >= static_cast<std::uint8_t>(Answer::kOk) &&
                     kind <= static_cast<std::uint8_t>(Answer::kRefused);
  if (size == 0 || size > kMaxMessage || !known) {
    return InvalidInput("what answers there is another program; choose another MASTER_PORT");
  }
  ARENA_ASSIGN_OR_RETURN(std::string bytes, ReceiveAll(socket_, size - 1, deadline));
  if (kind == static_cast<std::uint8_t>(Answer::kRefused)) return InvalidInput(std::move(bytes));
  if (kind == static_cast<std::uint8_t>(Answer::kAbsent)) return std::nullopt;
  return bytes;
}

}  // namespace arena::train::internal
