using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Kinds.Machines;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

public sealed class MachineFilesValidatorTests
{
    [Fact]
    public void A_file_is_text_or_base64_with_a_mode_and_an_owner()
    {
        MachineFile text = new() { Path = "/etc/app.conf", Content = "ä\n" },
            bytes = new() { Path = "/run/key", Base64 = "AP8=", Mode = "0400", User = "app:44" };
        MachineFilesValidator.Check("data", Data(text, bytes));
        GuestFile first = MachineFilesValidator.ToGuest(text), second = MachineFilesValidator.ToGuest(bytes);
        Assert.Equal(("/etc/app.conf", 0x1A4, "", "ä\n"), (first.Path, first.Mode, first.User, Encoding.UTF8.GetString(first.Content)));
        Assert.Equal((0x100, "app:44"), (second.Mode, second.User));
        Assert.Equal([0, 255], second.Content);
    }

    [Theory]
    [InlineData("etc/app.conf")]
    [InlineData("/")]
    [InlineData("/etc/")]
    [InlineData("/etc/../app.conf")]
    [InlineData("/proc/sys/kernel/core_pattern")]
    [InlineData("/dev/null")]
    [InlineData("/etc/hosts")]
    [InlineData("/data")]
    public void A_path_that_is_not_for_files_is_refused(string path) => Refused("data.files[0].path", Data(new MachineFile { Path = path, Content = "" }));

    [Fact]
    public void Everything_else_of_a_file_has_its_rule()
    {
        Refused("data.files[1].path", Data(new MachineFile { Path = "/a", Content = "" }, new MachineFile { Path = "/a", Content = "" }));
        Refused("data.files[0].content", Data(new MachineFile { Path = "/a" }));
        Refused("data.files[0].content", Data(new MachineFile { Path = "/a", Content = "", Base64 = "" }));
        Refused("data.files[0].base64", Data(new MachineFile { Path = "/a", Base64 = "A" }));
        Refused("data.files[0].mode", Data(new MachineFile { Path = "/a", Content = "", Mode = "rw" }));
        Refused("data.files[0].user", Data(new MachineFile { Path = "/a", Content = "", User = "a b" }));
        Refused("data.files", Data([.. Enumerable.Range(0, 65).Select(i => new MachineFile { Path = $"/{i}", Content = "" })]));
        Refused("data.files", Data(new MachineFile { Path = "/a", Content = new string('x', 256 * 1024) }, new MachineFile { Path = "/b", Content = "x" }));
    }

    [Fact]
    public void The_largest_files_and_the_largest_process_fit_one_frame_together()
    {
        GuestSpec spec = new()
        {
            Hostname = "web",
            RootDisk = "root",
            WritableDisk = "rw",
            Process = new GuestProcess { Arguments = [new string('\u0001', MachineValidator.MaxProcessBytes)] },
            Files = [new GuestFile { Path = "/a", Content = new byte[MachineFilesValidator.MaxBytes], Mode = 0 }],
        };
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(spec, GuestJson.Default.GuestSpec).Length + GuestProtocol.SecretBytes, 0, GuestProtocol.MaxPayload);
    }

    private static void Refused(string path, ZmachineData data) =>
        Assert.Equal(path, Assert.Throws<BusErrorException>(() => MachineFilesValidator.Check("data", data)).Error.Path);

    private static ZmachineData Data(params MachineFile[] files) => new()
    {
        Flist = new FlistReference { Reference = "r/i", Digest = EngineBench.Digest('a') },
        Mounts = [new MachineMount { Volume = "data", Path = "/data" }],
        Files = files,
    };
}
