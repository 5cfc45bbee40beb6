# Makes the requests of a plan with one of Perl's HTTP libraries: run.pl LIBRARY PLAN.
use strict;
use warnings;
use JSON::PP;
use Time::HiRes 'sleep';

my ($library, $file) = @ARGV;
open my $in, '<', $file or die $!;
my $plan = decode_json(do { local $/; <$in> });

my %asks = (
  'perl-lwp' => sub {
    require LWP::UserAgent;
    my $ua = LWP::UserAgent->new(timeout => 15, cookie_jar => {});
    return sub { my $s = shift; $ua->request(HTTP::Request->new($s->{method}, $s->{url}, [map { @$_ } @{$s->{header} || []}], $s->{body})) };
  },
  'perl-http-tiny' => sub {
    require HTTP::Tiny;
    my $ua = HTTP::Tiny->new(timeout => 15, verify_SSL => 1);
    return sub {
      my $s = shift;
      my %h = map { @$_ } @{$s->{header} || []};
      my ($agent) = grep { lc eq 'user-agent' } keys %h;
      $ua->agent(delete $h{$agent}) if $agent;
      $ua->request($s->{method}, $s->{url}, {headers => \%h, $s->{body} ? (content => $s->{body}) : ()});
    };
  },
  'perl-mojo' => sub {
    require Mojo::UserAgent;
    my $ua = Mojo::UserAgent->new;
    return sub { my $s = shift; $ua->start($ua->build_tx($s->{method} => $s->{url} => {map { @$_ } @{$s->{header} || []}} => ($s->{body} // ()))) };
  },
  'perl-mechanize' => sub {
    require WWW::Mechanize;
    my $m = WWW::Mechanize->new(autocheck => 0, timeout => 15);
    return sub {
      my $s = shift;
      my @h = map { @$_ } @{$s->{header} || []};
      $s->{body} ? $m->post($s->{url}, Content => $s->{body}, @h) : $m->get($s->{url}, @h);
    };
  },
);
my $ask = $asks{$library}->();
for my $s (@$plan) {
  sleep $s->{wait};
  eval { $ask->($s); 1 } or print "$s->{url} $@";
}
