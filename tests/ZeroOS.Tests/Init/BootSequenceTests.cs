using System.Text;

using Xunit;

using ZeroOS.Init;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Init;

public sealed class BootSequenceTests : IDisposable
{
    private readonly FakeBootKernel _kernel = new();
    private readonly FileDescriptor _records = FileDescriptor.Memory("log");

    public void Dispose() => _records.Dispose();

    [Fact]
    public void Steps_come_in_the_order_of_the_manual()
        => Assert.Equal(
            ["pseudo-filesystems", "screen", "kernel-log", "bounded-root", "command-line", "trial", "sysctls", "control-groups", "watchdog",
                "entropy", "devices", "loopback"],
            BootSequence.Steps.Select(s => s.Name));

    [Fact]
    public void On_the_initial_rootfs_everything_moves_and_init_starts_anew()
    {
        _kernel.Mounts.Add(new MountPoint("rootfs", "/", "rootfs", "rw"));

        // The fake's exec returns, which on a node it never does: so the step "fails".
        BootException e = Assert.Throws<BootException>(Run);

        Assert.Contains("bounded-root", e.Message, StringComparison.Ordinal);
        List<string> calls = _kernel.Calls;
        int mount = calls.IndexOf($"mount zeroos-root {BoundedRoot.NewRoot} tmpfs NoSuid");
        int files = calls.IndexOf($"move files {BoundedRoot.NewRoot}");
        int dev = calls.IndexOf($"mount /dev {BoundedRoot.NewRoot}/dev Move"), proc = calls.IndexOf($"mount /proc {BoundedRoot.NewRoot}/proc Move");
        int root = calls.IndexOf($"move over root {BoundedRoot.NewRoot}");
        Assert.True(mount >= 0 && mount < files && files < dev && dev < proc && proc < root && root < calls.IndexOf("exec /init"));
        Assert.Contains($"size={1000 + (8 << 20)}", _kernel.Mounts.Single(m => m.Target == BoundedRoot.NewRoot).Options, StringComparison.Ordinal);
        Assert.DoesNotContain("watchdog", calls);
    }

    [Fact]
    public void In_the_bounded_root_the_rest_runs_and_the_root_becomes_read_only()
    {
        InBoundedRoot();

        Run();

        Assert.Contains("mount / Remount, ReadOnly, NoSuid, NoDev, Bind", _kernel.Calls.Select(Sorted));
        Assert.Contains("mount etc /etc tmpfs NoSuid, NoDev, NoExec", _kernel.Calls);
        Assert.DoesNotContain("exec /init", _kernel.Calls);
        Assert.Contains("write /proc/sys/kernel/yama/ptrace_scope 3", _kernel.Calls);
        Assert.Contains("write /sys/fs/cgroup/cgroup.subtree_control +memory", _kernel.Calls);
        Assert.Equal(["watchdog", "randomness", "loopback"], _kernel.Calls.Where(c => c is "watchdog" or "randomness" or "loopback"));
    }

    [Theory]
    [InlineData(@"\EFI\ZEROOS\TRIAL.EFI", true)]
    [InlineData(@"\EFI\zeroos\trial.efi", true)]
    [InlineData(@"\EFI\BOOT\BOOTX64.EFI", false)]
    [InlineData(@"\EFI\BOOT\TRIAL.EFI", false)]
    [InlineData(null, false)]
    public void An_image_that_the_stub_says_is_the_trial_s_is_on_trial(string? file, bool onTrial)
    {
        InBoundedRoot();
        if (file is not null)
            _kernel.Files["/sys/firmware/efi/efivars/LoaderImageIdentifier-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"] = "\u0006\0\0\0"
                + string.Concat(file.Select(c => $"{c}\0")) + "\0\0";
        Boot boot = new(_kernel, new KernelLog(_records, null, ""));
        BootSequence.Run(boot, BootSequence.Steps);
        Assert.Equal(onTrial, boot.OnTrial);
        Assert.Equal(onTrial, Log().Contains("this image is on trial", StringComparison.Ordinal));
    }

    [Fact]
    public void A_pseudo_filesystem_that_cannot_be_mounted_ends_the_boot()
    {
        _kernel.Refuse["/proc"] = Errno.ENODEV;
        BootException e = Assert.Throws<BootException>(Run);
        Assert.Equal("boot step pseudo-filesystems failed: mount /proc: no such device (ENODEV)", e.Message);
    }

    [Fact]
    public void What_some_machines_lack_is_passed_over_and_what_fails_is_said()
    {
        InBoundedRoot();
        _kernel.Refuse["/sys/firmware/efi/efivars"] = Errno.ENODEV;
        _kernel.Refuse["/proc/sys/vm/unprivileged_userfaultfd"] = Errno.ENOENT;
        _kernel.Refuse["/proc/sys/kernel/kptr_restrict"] = Errno.EPERM;
        _kernel.Refuse["lo"] = Errno.EPERM;
        _kernel.There.Remove("/dev/kvm");

        Run();

        string log = Log();
        Assert.Contains("sysctls refused=kernel/kptr_restrict (EPERM)\n", log, StringComparison.Ordinal);
        Assert.Contains("boot step=loopback failed: ioctl lo: operation not permitted (EPERM)", log, StringComparison.Ordinal);
        Assert.Contains("device missing=/dev/kvm (no machines can run)", log, StringComparison.Ordinal);
        Assert.DoesNotContain("efivars", log, StringComparison.Ordinal);
        Assert.DoesNotContain("userfaultfd", log, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_hardening_value_of_the_reference_is_in_the_table()
    {
        Dictionary<string, string> table = Sysctls.Table.ToDictionary(s => s.Key, s => s.Value);
        Assert.Equal("2", table["kernel/kptr_restrict"]);
        Assert.Equal("1", table["kernel/dmesg_restrict"]);
        Assert.Equal("0", table["user/max_user_namespaces"]);
        Assert.Equal("1", table["kernel/io_uring_disabled"]);
        Assert.Equal("990", table["kernel/io_uring_group"]);
        Assert.Equal("0", table["kernel/sysrq"]);
        Assert.Equal("1", table["kernel/unprivileged_bpf_disabled"]);
    }

    [Theory]
    [InlineData("quiet console=ttyS0 zeroos.log=debug", "log=debug", "")]
    [InlineData("zeroos.owner=mallory zeroos.name=n1", "name=n1", "owner")]
    [InlineData("zeroos.name=a;b zeroos.log", "", "name,log")]
    [InlineData("zeroos.name=", "", "name")]
    [InlineData("azeroos.name=x init=/bin/sh", "", "")]
    public void Only_listed_plain_settings_of_the_command_line_count(string line, string settings, string ignored)
    {
        (Dictionary<string, string> read, List<string> refused) = KernelCommandLine.Parse(line);
        Assert.Equal(settings, string.Join(',', read.Select(s => $"{s.Key}={s.Value}")));
        Assert.Equal(ignored, string.Join(',', refused));
    }

    [Fact]
    public void Any_command_line_is_read_without_an_exception_and_yields_only_listed_keys()
    {
        const int Seed = 20261122;
        Random random = new(Seed);
        byte[] good = Encoding.ASCII.GetBytes("quiet zeroos.log=debug zeroos.name=n1 zeroos.owner=x panic=10");
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bytes = [.. good];
            for (int m = random.Next(1, 6); m > 0; m--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            (Dictionary<string, string> read, List<string> ignored) = KernelCommandLine.Parse(Encoding.Latin1.GetString(bytes));
            Assert.All(read, s => Assert.True(s.Key is "log" or "name" && s.Value.Length <= 64, $"seed {Seed}, round {i}"));
            Assert.True(ignored.Count <= 8);
        }
    }

    [Fact]
    public void Log_lines_wait_for_the_log_and_long_ones_are_cut()
    {
        KernelLog log = new(_records, null, "p: ");
        log.Error($"{new string('x', 1000)}\nnext");
        Assert.Equal($"<3>p: {new string('x', 900)}\n<3>p: {new string('x', 100)}\n<3>p: next\n", Log());
    }

    // Flags print in an order of their own; the test says which, not how.
    private static string Sorted(string call) =>
        call.Replace("ReadOnly, NoSuid, NoDev, Remount, Bind", "Remount, ReadOnly, NoSuid, NoDev, Bind", StringComparison.Ordinal);

    private void InBoundedRoot()
    {
        _kernel.Mounts.Add(new MountPoint("rootfs", "/", "rootfs", "rw"));
        _kernel.Mounts.Add(new MountPoint(BoundedRoot.Source, "/", "tmpfs", "rw"));
    }

    private void Run() => BootSequence.Run(new Boot(_kernel, new KernelLog(_records, null, "")), BootSequence.Steps);

    private string Log()
    {
        byte[] bytes = new byte[_records.Length];
        _records.ReadExactlyAt(bytes, 0);
        return Encoding.UTF8.GetString(bytes);
    }
}
