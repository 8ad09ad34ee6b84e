using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Network;

namespace ZeroOS.Tests.Guest.Network;

public sealed class NameFilesTests
{
    private static readonly GuestSpec s_spec = new()
    {
        Hostname = "web",
        RootDisk = "root",
        WritableDisk = "rw",
        Process = new GuestProcess { Arguments = ["/bin/true"] },
    };

    [Fact]
    public void A_guests_own_name_is_at_its_first_address_and_what_the_specification_adds_follows()
    {
        GuestSpec spec = s_spec with
        {
            Nics = [new GuestNic { Mac = "02:00:00:00:00:01", Addresses = ["10.77.1.10/24", "10.77.1.11/24"] }],
            Hosts = ["10.77.1.20 db db.shop"],
        };
        Assert.Equal("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.77.1.10\tweb\n10.77.1.20 db db.shop\n", NameFiles.Hosts(spec));
    }

    [Fact]
    public void A_guest_without_a_card_finds_its_own_name_too() => Assert.Contains("\n127.0.1.1\tweb\n", NameFiles.Hosts(s_spec), StringComparison.Ordinal);

    [Fact]
    public void A_name_with_a_domain_is_found_by_its_first_part_too() =>
        Assert.Contains("\n127.0.1.1\tweb.example.org\tweb\n", NameFiles.Hosts(s_spec with { Hostname = "web.example.org" }), StringComparison.Ordinal);

    [Fact]
    public void Resolvers_have_search_domains_and_options_where_there_are_some()
    {
        GuestSpec spec = s_spec with { Resolvers = ["10.1.0.1", "1.1.1.1"] };
        Assert.Equal("nameserver 10.1.0.1\nnameserver 1.1.1.1\n", NameFiles.Resolvers(spec));
        Assert.Equal("nameserver 10.1.0.1\nnameserver 1.1.1.1\nsearch a.org b.org\noptions ndots:2 edns0\n",
            NameFiles.Resolvers(spec with { Search = ["a.org", "b.org"], ResolverOptions = ["ndots:2", "edns0"] }));
        Assert.Equal("", NameFiles.Resolvers(s_spec));
    }
}
