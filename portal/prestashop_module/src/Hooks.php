<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * The hooks. Each says in one line which record of the portal's four entities changed; the portal reads the record itself.
 *
 * Stock: `actionUpdateQuantity` is silent when the webservice writes, `actionObjectStockAvailableUpdateAfter` never is.
 * Orders: most of what belongs to an order is saved as an object of its own, with the order's id.
 */
trait Hooks
{
    /** @return string[] the hooks to register: every one this trait has a method for */
    public static function hookNames(): array
    {
        $names = [];
        foreach (get_class_methods(self::class) as $method) {
            if (strncmp($method, 'hookAction', 10) === 0) {
                $names[] = lcfirst(substr($method, 4));
            }
        }

        return $names;
    }

    abstract protected function changed(string $entity, $record, $combination = 0, $shop = 0): void;

    public function hookActionObjectCustomerAddAfter($params)
    {
        $this->objectChanged('customer', $params, 'id');
    }

    public function hookActionObjectCustomerUpdateAfter($params)
    {
        $this->objectChanged('customer', $params, 'id');
    }

    public function hookActionObjectCustomerDeleteAfter($params)
    {
        $this->objectChanged('customer', $params, 'id');
    }

    public function hookActionObjectAddressAddAfter($params)
    {
        $this->objectChanged('customer', $params, 'id_customer');
    }

    public function hookActionObjectAddressUpdateAfter($params)
    {
        $this->objectChanged('customer', $params, 'id_customer');
    }

    public function hookActionObjectAddressDeleteAfter($params)
    {
        $this->objectChanged('customer', $params, 'id_customer');
    }

    public function hookActionObjectProductAddAfter($params)
    {
        $this->objectChanged('product', $params, 'id');
    }

    public function hookActionObjectProductUpdateAfter($params)
    {
        $this->objectChanged('product', $params, 'id');
    }

    public function hookActionObjectProductDeleteAfter($params)
    {
        $this->objectChanged('product', $params, 'id');
    }

    public function hookActionObjectCombinationAddAfter($params)
    {
        $this->objectChanged('product', $params, 'id_product');
    }

    public function hookActionObjectCombinationUpdateAfter($params)
    {
        $this->objectChanged('product', $params, 'id_product');
    }

    public function hookActionObjectCombinationDeleteAfter($params)
    {
        $this->objectChanged('product', $params, 'id_product');
    }

    public function hookActionObjectStockAvailableAddAfter($params)
    {
        $this->objectChanged('stock', $params, 'id_product', 'id_product_attribute');
    }

    public function hookActionObjectStockAvailableUpdateAfter($params)
    {
        $this->objectChanged('stock', $params, 'id_product', 'id_product_attribute');
    }

    public function hookActionObjectStockAvailableDeleteAfter($params)
    {
        $this->objectChanged('stock', $params, 'id_product', 'id_product_attribute');
    }

    public function hookActionObjectOrderAddAfter($params)
    {
        $this->objectChanged('order', $params, 'id');
    }

    public function hookActionObjectOrderUpdateAfter($params)
    {
        $this->objectChanged('order', $params, 'id');
    }

    public function hookActionObjectOrderDeleteAfter($params)
    {
        $this->objectChanged('order', $params, 'id');
    }

    public function hookActionObjectOrderHistoryAddAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderHistoryUpdateAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderHistoryDeleteAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderDetailAddAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderDetailUpdateAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderDetailDeleteAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderCarrierAddAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderCarrierUpdateAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderCarrierDeleteAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderSlipAddAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderSlipUpdateAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderSlipDeleteAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderCartRuleAddAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderCartRuleUpdateAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    public function hookActionObjectOrderCartRuleDeleteAfter($params)
    {
        $this->objectChanged('order', $params, 'id_order');
    }

    /** From here on the order has its state in the database. */
    public function hookActionOrderStatusPostUpdate($params)
    {
        $this->changed('order', $params['id_order'] ?? 0);
    }

    public function hookActionOrderEdited($params)
    {
        $this->changed('order', isset($params['order']->id) ? $params['order']->id : 0);
    }

    private function objectChanged(string $entity, $params, string $field, string $combination = ''): void
    {
        $object = is_array($params) ? ($params['object'] ?? null) : null;
        if (!is_object($object)) {
            return;
        }
        $this->changed(
            $entity,
            isset($object->$field) ? $object->$field : 0,
            $combination !== '' && isset($object->$combination) ? $object->$combination : 0,
            isset($object->id_shop) ? $object->id_shop : 0
        );
    }
}
