// How a parent recognises its child's call among all that reach its server: by a token that only the child can know,
// because it is the first thing in the socket that the child inherits. The child shows it in the metadata of its call.
//
// Not by the descriptor of the connection: gRPC closes that when the child is gone, and its number may be another's
// then. Any thread.
#pragma once

#include <string>

namespace tractor {

inline constexpr const char* kChildTokenKey = "tractor-child-token";

// Writes a new token to the parent's end of the socket pair and returns it. Before gRPC has the socket.
std::string send_child_token(int socket);
// Reads it from the child's end. Throws std::system_error when there is none.
std::string receive_child_token(int socket);

}  // namespace tractor
