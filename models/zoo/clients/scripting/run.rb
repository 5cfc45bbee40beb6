# Makes the requests of a plan with one of Ruby's HTTP libraries: run.rb LIBRARY PLAN.
require "json"
require "net/http"
require "uri"

library, plan = ARGV[0], JSON.parse(File.read(ARGV[1]))

def net_http(s, agent)
  u = URI(s["url"])
  r = Net::HTTPGenericRequest.new(s["method"], !s["body"].nil?, true, u.request_uri, (s["header"] || []).to_h)
  Net::HTTP.start(u.host, u.port, use_ssl: true) { |h| h.request(r, s["body"]) }
end

asks = {
  "ruby-net-http" => -> { method(:net_http) },
  "ruby-httparty" => -> { require "httparty"; ->(s, _) { HTTParty.send(s["method"].downcase, s["url"], headers: (s["header"] || []).to_h, body: s["body"]) } },
  "ruby-faraday" => -> { require "faraday"; ->(s, _) { Faraday.run_request(s["method"].downcase.to_sym, s["url"], s["body"], (s["header"] || []).to_h) } },
  "ruby-mechanize" => lambda {
    require "mechanize"
    m = Mechanize.new
    lambda do |s, _|
      headers = (s["header"] || []).to_h
      agent = headers.find { |k, _| k.downcase == "user-agent" }
      m.user_agent = agent[1] if agent
      s["body"] ? m.post(s["url"], s["body"], headers) : m.get(s["url"], [], nil, headers)
    end
  },
  "ruby-open-uri" => -> { require "open-uri"; ->(s, _) { s["body"] ? net_http(s, nil) : URI(s["url"]).open((s["header"] || []).to_h, &:read) } },
}
ask = asks[library].call
plan.each do |s|
  sleep s["wait"]
  begin
    ask.call(s, nil)
  rescue StandardError => e
    puts "#{s["url"]} #{e.class} #{e.message[0, 200]}"
  end
end
