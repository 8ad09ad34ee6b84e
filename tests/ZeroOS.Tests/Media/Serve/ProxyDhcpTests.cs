using System.Net;
using System.Text;

using ZeroOS.Media.Serve;
using ZeroOS.Media.Serve.Dhcp;
using ZeroOS.Media.Serve.Report;

namespace ZeroOS.Tests.Media.Serve;

public sealed class ProxyDhcpTests
{
    private static readonly IPAddress s_self = IPAddress.Parse("192.168.77.1");
    private static readonly byte[] s_machine = [0, .. Enumerable.Range(1, 16).Select(i => (byte)i)];
    private readonly List<BootEvent> _said = [];
    private readonly ProxyDhcp _proxy;
    private readonly BootWatch _watch;

    public ProxyDhcpTests()
    {
        string folder = Directory.CreateTempSubdirectory("zos-proxy").FullName;
        foreach (string name in new[] { "zeroos.efi", "undionly.kpxe", "zeroos.ipxe" })
            File.WriteAllText(Path.Combine(folder, name), name);
        BootFiles files = BootFiles.OfFolder(folder);
        Directory.Delete(folder, recursive: true);
        _watch = new BootWatch(TimeProvider.System, _said.Add, _ => null);
        _proxy = new ProxyDhcp(files, s_self, 80, _watch);
    }

    [Fact]
    public void A_bios_card_learns_the_loader_at_once_and_that_it_need_ask_nobody_else()
    {
        byte[] answer = _proxy.AnswerBroadcast(Bytes.Question(1, "PXEClient:Arch:00000:UNDI:002001", 0, (97, s_machine)))!;
        Assert.Equal("02010600" + "3903F326" + "00008000" + "00000000" + "00000000" + "C0A84D01" + "00000000" + "525400123456",
            Convert.ToHexString(answer.AsSpan(0, 34)));
        Assert.Equal("undionly.kpxe", Bytes.File(answer));
        Dictionary<byte, byte[]> options = Bytes.Options(answer);
        Assert.Equal([2], options[53]);
        Assert.Equal(s_self.GetAddressBytes(), options[54]);
        Assert.Equal("PXEClient"u8.ToArray(), options[60]);
        Assert.Equal(s_machine, options[97]);
        Assert.Equal([6, 1, 8, 255], options[43]);
        Assert.Equal("pxelinux.cfg/default"u8.ToArray(), options[209]);
        Assert.False(options.ContainsKey(210)); // a prefix would be where PXELINUX looks for the rest: it is where it came from
        Assert.True(answer.Length >= 300);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(9)]
    public void Uefi_pxe_is_told_whom_to_ask_and_learns_the_file_on_port_4011(ushort architecture)
    {
        byte[] offer = _proxy.AnswerBroadcast(Bytes.Question(1, $"PXEClient:Arch:0000{architecture}:UNDI:003016", architecture, (97, s_machine)))!;
        Assert.Equal("", Bytes.File(offer));
        Assert.Equal(s_self, Bytes.Server(offer));
        Assert.DoesNotContain((byte)43, Bytes.Options(offer));
        byte[] question = Bytes.Question(3, $"PXEClient:Arch:0000{architecture}:UNDI:003016", architecture, (97, s_machine));
        IPAddress.Parse("192.168.77.101").GetAddressBytes().CopyTo(question, 12);
        byte[] answer = _proxy.AnswerNegotiation(question)!;
        Assert.Equal("zeroos.efi", Bytes.File(answer));
        Assert.Equal([5], Bytes.Options(answer)[53]);
        Assert.Equal(s_machine, Bytes.Options(answer)[97]);
        Assert.Equal("192.168.77.101", new IPAddress(answer.AsSpan(12, 4)).ToString());
    }

    [Fact]
    public void Uefi_http_boot_gets_a_url_as_option_67()
    {
        byte[] offer = _proxy.AnswerBroadcast(Bytes.Question(1, "HTTPClient:Arch:00016:UNDI:003001", 16))!;
        Assert.Equal("http://192.168.77.1/zeroos.efi", Encoding.ASCII.GetString(Bytes.Options(offer)[67]));
        Assert.Equal("HTTPClient"u8.ToArray(), Bytes.Options(offer)[60]);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'i', (byte)'P', (byte)'X', (byte)'E' })]
    [InlineData(new byte[] { 4, (byte)'i', (byte)'P', (byte)'X', (byte)'E' })]
    public void Ipxe_gets_its_script_by_http(byte[] userClass)
    {
        byte[] offer = _proxy.AnswerBroadcast(Bytes.Question(1, "PXEClient:Arch:00000:UNDI:002001", 0, (77, userClass)))!;
        Assert.Equal("http://192.168.77.1/zeroos.ipxe", Bytes.File(offer));
    }

    [Fact]
    public void Who_asks_for_no_boot_gets_no_answer()
    {
        Assert.Null(_proxy.AnswerBroadcast(Bytes.Question(1, "", null)));
        Assert.Null(_proxy.AnswerBroadcast(Bytes.Question(1, "MSFT 5.0", null)));
        Assert.Null(_proxy.AnswerBroadcast(Bytes.Question(1, "PXEClient", null)));
        Assert.Null(_proxy.AnswerBroadcast(Bytes.Question(3, "PXEClient:Arch:00000:UNDI:002001", 0)));
        Assert.Null(_proxy.AnswerNegotiation(Bytes.Question(1, "PXEClient:Arch:00007:UNDI:002001", 7)));
        byte[] relayed = Bytes.Question(1, "PXEClient:Arch:00000:UNDI:002001", 0);
        relayed[24] = 10;
        Assert.Null(_proxy.AnswerBroadcast(relayed));
        byte[] reply = Bytes.Question(1, "PXEClient:Arch:00000:UNDI:002001", 0);
        reply[0] = 2;
        Assert.Null(_proxy.AnswerBroadcast(reply));
        Assert.Empty(_said);
    }

    [Fact]
    public void A_machine_for_which_there_is_nothing_is_shown_and_not_answered()
    {
        Assert.Null(_proxy.AnswerBroadcast(Bytes.Question(1, "PXEClient:Arch:00011:UNDI:003016", 11)));
        Assert.Equal(("nothing-for-it", "processor type 11"), (_said[0].Event, _said[0].Kind));
    }

    [Fact]
    public void No_answer_ever_gives_an_address()
    {
        foreach (ushort architecture in new ushort[] { 0, 7, 9 })
            Assert.Equal(IPAddress.Any, new IPAddress(_proxy.AnswerBroadcast(Bytes.Question(1, "PXEClient", architecture))!.AsSpan(16, 4)));
    }

    [Fact]
    public void A_machine_is_followed_from_its_question_to_its_system()
    {
        IPAddress address = IPAddress.Parse("192.168.77.101");
        _proxy.AnswerBroadcast(Bytes.Question(1, "HTTPClient:Arch:00016:UNDI:003001", 16));
        _proxy.AnswerBroadcast(Bytes.Question(3, "HTTPClient:Arch:00016:UNDI:003001", 16, (50, address.GetAddressBytes())));
        BootDownload download = _watch.Begin(address, "zeroos.efi", 1000, "HTTP");
        download.Bytes = 500;
        BootRow row = Assert.Single(_watch.Look());
        Assert.Equal((Bytes.Card.ToString(), "192.168.77.101", "UEFI HTTP", "zeroos.efi", 500L), (row.Name, row.Address, row.Kind, row.File, row.Bytes));
        download.Bytes = 1000;
        download.End(null);
        download.End("only the first word counts");
        _proxy.AnswerBroadcast(Bytes.Question(1, "", null));
        Assert.Equal(["asks", "loaded", "runs"], _said.Select(e => e.Event));
        Assert.False(Assert.Single(_watch.Look()).Loads);
    }

    [Fact]
    public void Ten_thousand_broken_questions_are_read_without_an_exception_and_answered_with_no_address()
    {
        byte[][] seeds =
        [
            Bytes.Question(1, "PXEClient:Arch:00000:UNDI:002001", 0, (97, s_machine), (52, [3])),
            Bytes.Question(3, "PXEClient:Arch:00007:UNDI:003016", 7, (97, s_machine), (77, "iPXE"u8.ToArray())),
            Bytes.Question(1, "HTTPClient:Arch:00016:UNDI:003001", 16, (50, [10, 0, 0, 1])),
        ];
        Random random = new(67);
        int answered = 0;
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bytes = [.. seeds[random.Next(seeds.Length)]];
            if (random.Next(8) == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            for (int change = random.Next(1, 6); change > 0 && bytes.Length > 0; change--)
                bytes[random.Next(3) == 0 || bytes.Length < 300 ? random.Next(bytes.Length) : random.Next(236, 300)] = (byte)random.Next(256);
            byte[]? answer = _proxy.AnswerBroadcast(bytes) ?? _proxy.AnswerNegotiation(bytes);
            if (answer is null)
                continue;
            answered++;
            Assert.Equal(IPAddress.Any, new IPAddress(answer.AsSpan(16, 4)));
            Assert.InRange(answer.Length, 300, 600);
        }
        Assert.InRange(answered, 1000, 9999);
        Assert.InRange(_watch.Look().Count, 1, 1024);
    }
}
