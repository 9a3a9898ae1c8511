// An HTTP request as simple as they get, on a connection of its own.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>

namespace tractor::test {

inline boost::asio::ip::tcp::socket connect_to(boost::asio::io_context& io, const std::string& address) {
  const std::size_t colon = address.rfind(':');
  boost::asio::ip::tcp::socket socket(io);
  boost::asio::connect(socket,
                       boost::asio::ip::tcp::resolver(io).resolve(address.substr(0, colon), address.substr(colon + 1)));
  return socket;
}

// All that comes back until the other end closes, header and body; blocks this thread.
inline std::string send_request(const std::string& address, const std::string& request) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket socket = connect_to(io, address);
  boost::system::error_code error;
  boost::asio::write(socket, boost::asio::buffer(request), error);
  std::string answer;
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
  return answer;
}

inline std::string http_get(const std::string& address, const std::string& target) {
  return send_request(address, "GET " + target + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n");
}

}  // namespace tractor::test
