using System.Text;
using System.Text.RegularExpressions;

using ZeroOS.Tests.Repository;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Linux.Netlink;

/// <summary>
/// The C compiler and the kernel's headers judge every constant that carries a kernel name: all of ZeroOS.Linux, and the few that other projects have.
/// </summary>
public sealed partial class KernelNamesTests
{
    private const string Headers = """
        #define _GNU_SOURCE
        #include <sched.h>
        #include <sys/socket.h>
        #include <sys/timex.h>
        #include <linux/netlink.h>
        #include <linux/rtnetlink.h>
        #include <linux/if_link.h>
        #include <linux/if_arp.h>
        #include <linux/if_tun.h>
        #include <linux/if_packet.h>
        #include <linux/filter.h>
        #include <linux/veth.h>
        #include <linux/nsfs.h>
        #include <linux/netfilter.h>
        #include <linux/netfilter/nfnetlink.h>
        #include <linux/netfilter/nf_tables.h>
        #include <linux/netfilter/nfnetlink_conntrack.h>
        #include <linux/neighbour.h>
        #include <spawn.h>
        #include <time.h>
        #include <sys/file.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/random.h>
        #include <sys/reboot.h>
        #include <sys/signalfd.h>
        #include <sys/syscall.h>
        #include <sys/wait.h>
        #include <linux/btrfs.h>
        #include <linux/close_range.h>
        #include <linux/seccomp.h>
        #include <linux/fs.h>
        #include <linux/input-event-codes.h>
        #include <linux/io_uring.h>
        #include <linux/kd.h>
        #include <linux/keyboard.h>
        #include <linux/securebits.h>
        #include <linux/sockios.h>
        #include <linux/tiocl.h>
        #include <linux/vm_sockets.h>
        #include <linux/vt.h>
        #include <linux/watchdog.h>
        #include <asm/ioctls.h>
        _Static_assert(sizeof(struct timex) == 208 && __builtin_offsetof(struct timex, offset) == 8 && __builtin_offsetof(struct timex, maxerror) == 24
            && __builtin_offsetof(struct timex, status) == 40, "timex");
        _Static_assert(sizeof(struct sockaddr_nl) == 12 && __builtin_offsetof(struct sockaddr_nl, nl_pid) == 4, "sockaddr_nl");
        _Static_assert(sizeof(struct sockaddr_ll) == 20 && __builtin_offsetof(struct sockaddr_ll, sll_halen) == 11, "sockaddr_ll");
        _Static_assert(sizeof(struct sock_filter) == 8 && sizeof(struct sock_fprog) == 16 && sizeof(struct ifreq) == 40, "filter, ifreq");
        _Static_assert(sizeof(struct ifinfomsg) == 16 && sizeof(struct ifaddrmsg) == 8 && sizeof(struct rtmsg) == 12
            && sizeof(struct ndmsg) == 12, "rtnetlink");
        _Static_assert(sizeof(struct nduseroptmsg) == 16 && sizeof(struct nfgenmsg) == 4 && sizeof(struct nlmsghdr) == 16, "netlink");

        """;

    // Files of other projects that tell a descriptor something only they need.
    private static readonly string[] s_elsewhere = ["DeviceMedium.cs", "DhcpPort.cs", "DiskTarget.cs", "NetDevice.cs", "PowerButtons.cs",
        "ServeSockets.cs", "StorageDisk.cs"];

    // A number of RFC 8106 that no header here has.
    private static readonly string[] s_notTheKernels = ["ND_OPT_RDNSS"];

    [SkippableFact]
    public void Constants_with_kernel_names_have_the_kernels_values()
    {
        Skip.IfNot(File.Exists("/usr/bin/gcc") && File.Exists("/usr/include/linux/netlink.h"), "no C compiler, or no kernel headers");
        string linux = Path.Combine(Checkout.Root, "src", "ZeroOS.Linux");
        string[] files = [.. Directory.GetFiles(linux, "*.cs", SearchOption.AllDirectories),
            .. s_elsewhere.Select(name => Directory.GetFiles(Path.Combine(Checkout.Root, "src"), name, SearchOption.AllDirectories).Single())];
        StringBuilder program = new(Headers);
        int count = 0;
        foreach (string line in files.SelectMany(File.ReadLines))
        {
            foreach (Match match in KernelName().Matches(line))
            {
                if (s_notTheKernels.Contains(match.Groups[1].Value))
                    continue;
                program.Append(System.Globalization.CultureInfo.InvariantCulture,
                    $"_Static_assert({match.Groups[1].Value} == {match.Groups[2].Value}, \"{match.Groups[1].Value}\");\n");
                count++;
            }
        }
        Assert.True(count > 110, $"only {count} names found");
        string source = Path.Combine(Path.GetTempPath(), $"zeroos-names-{Guid.NewGuid():N}.c");
        File.WriteAllText(source, program.ToString());
        try
        {
            ProgramRun.Of("/usr/bin/gcc", "-fsyntax-only", source).Succeeded();
        }
        finally
        {
            File.Delete(source);
        }
    }

    [GeneratedRegex(@"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+|TUNSET[A-Z]+|BLKFLSBUF|BLKRRPART|FICLONERANGE|KDSKBENT|TIOCLINUX|SIOCSIFFLAGS)"
        + @" = (0x[0-9a-fA-F]+|\d+)(?=[,;])")]
    private static partial Regex KernelName();
}
