using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Node;

/// <summary>zos.node.reboot and zos.node.shutdown: the computer goes down once the answer has been sent.</summary>
internal sealed class PowerHandlers(Action restart, Action powerOff)
{
    /// <summary>Restarts the computer.</summary>
    public Nothing Reboot(RequestContext context) => After(context, restart);

    /// <summary>Switches the computer off.</summary>
    public Nothing Shutdown(RequestContext context) => After(context, powerOff);

    private static Nothing After(RequestContext context, Action action)
    {
        context.AfterSent(action);
        return new Nothing();
    }
}
