#include "proxy/management/batch.h"

#include <algorithm>

#include "proxy/management/api_error.h"

namespace sockhook::management {

std::size_t Batch::count_lines(std::string_view body) {
  const auto ends = static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n'));
  return ends + (!body.empty() && body.back() != '\n' ? 1 : 0);
}

std::string_view Batch::take_line() {
  const std::string_view rest = std::string_view(body_).substr(next_byte_);
  const std::string_view line = rest.substr(0, rest.find('\n'));
  next_byte_ += line.size() + 1;
  return line;
}

void Batch::run() {
  while (next_byte_ < body_.size() && weight_ < kWindow && held_up_by_ == 0) start_next_line();
}

void Batch::start_next_line() {
  const std::size_t index = answers_.size();
  answers_.emplace_back();
  const Result<BatchLine, std::string> line = parse_batch_line(take_line());
  if (!line) {
    write_answer(index, to_answer({ErrorCode::kBadRequest, line.error()}, Dialect::kSockhook));
    return;
  }
  const StartedLine started = starter_.start_line(*line, caller_, this);
  if (started.started.answer) {
    write_answer(index, *started.started.answer);
    return;
  }
  const std::size_t weight = started.is_listing ? kWindow : 1;
  waiting_.emplace(started.started.call, WaitingLine{index, weight});
  weight_ += weight;
  if (!started.is_submitted) held_up_by_ = started.started.call;
}

void Batch::on_call_submitted(CallId call) {
  if (call == held_up_by_) held_up_by_ = 0;
  run();
}

void Batch::on_call_answered(CallId call, Answer& answer) {
  const auto line = waiting_.extract(call).mapped();
  weight_ -= line.weight;
  if (call == held_up_by_) held_up_by_ = 0;
  write_answer(line.index, answer);
  run();
  if (is_done()) starter_.on_batch_done(id_);  // destroys this
}

void Batch::write_answer(std::size_t line, const Answer& answer) {
  const bool is_long = answer.status == 200 && answered_bytes_ + answer.body.size() > answer_bytes_;
  const Answer& written =
      is_long ? to_answer({ErrorCode::kTooLarge, "the batch's answer is full: ask for this alone"},
                          Dialect::kSockhook)
              : answer;
  std::string& text = answers_[line];
  text = "{\"status\":" + std::to_string(written.status) + ",\"body\":";
  text += written.body.empty() ? "null" : written.body;
  text += "}\n";
  answered_bytes_ += text.size();
}

Answer Batch::take_answer() {
  Answer answer;
  answer.content_type = kContentType;
  answer.body.reserve(answered_bytes_);
  for (const std::string& text : answers_) answer.body += text;
  return answer;
}

}  // namespace sockhook::management
